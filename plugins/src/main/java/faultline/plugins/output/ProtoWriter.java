package faultline.plugins.output;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Encoder of protocol-buffer messages: tags, varints, and messages within messages. */
final class ProtoWriter {
    private static final int VARINT = 0;
    private static final int BYTES = 2;

    private byte[] buffer = new byte[256];
    private int length;

    /** A number; negative ones take ten bytes, as int64 does. */
    ProtoWriter number(int field, long value) {
        varint((long) field << 3 | VARINT);
        varint(value);
        return this;
    }

    ProtoWriter text(int field, String value) {
        return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    ProtoWriter bytes(int field, byte[] value) {
        varint((long) field << 3 | BYTES);
        varint(value.length);
        room(value.length);
        System.arraycopy(value, 0, buffer, length, value.length);
        length += value.length;
        return this;
    }

    ProtoWriter message(int field, ProtoWriter inner) {
        varint((long) field << 3 | BYTES);
        varint(inner.length);
        room(inner.length);
        System.arraycopy(inner.buffer, 0, buffer, length, inner.length);
        length += inner.length;
        return this;
    }

    /** A repeated number in packed form. */
    ProtoWriter packed(int field, long[] values) {
        var inner = new ProtoWriter();
        for (long value : values) {
            inner.varint(value);
        }
        return message(field, inner);
    }

    /** Forgets what was written; the buffer stays. */
    ProtoWriter clear() {
        length = 0;
        return this;
    }

    int length() {
        return length;
    }

    void writeTo(OutputStream out) throws IOException {
        out.write(buffer, 0, length);
    }

    private void varint(long value) {
        room(10);
        while ((value & ~0x7fL) != 0) {
            buffer[length++] = (byte) (value & 0x7f | 0x80);
            value >>>= 7;
        }
        buffer[length++] = (byte) value;
    }

    private void room(int bytes) {
        if (length + bytes > buffer.length) {
            buffer = Arrays.copyOf(buffer, Math.max(2 * buffer.length, length + bytes));
        }
    }
}
