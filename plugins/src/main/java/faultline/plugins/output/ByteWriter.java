package faultline.plugins.output;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Builds lines of bytes without making strings of the numbers in them. */
final class ByteWriter {
    private static final byte[] DIGITS = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    private static final int FLUSH_AT = 1 << 16;

    private final OutputStream out;
    private byte[] buffer = new byte[2 * FLUSH_AT];
    private int length;

    ByteWriter(OutputStream out) {
        this.out = out;
    }

    ByteWriter put(byte[] bytes) {
        room(bytes.length);
        System.arraycopy(bytes, 0, buffer, length, bytes.length);
        length += bytes.length;
        return this;
    }

    ByteWriter put(String text) {
        room(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= 0x80) {
                return put(text.substring(i).getBytes(StandardCharsets.UTF_8));
            }
            buffer[length++] = (byte) c;
        }
        return this;
    }

    ByteWriter put(char c) {
        room(1);
        buffer[length++] = (byte) c;
        return this;
    }

    ByteWriter dec(long value) {
        if (value == Long.MIN_VALUE) {
            return put("-9223372036854775808");
        }
        room(20);
        if (value < 0) {
            buffer[length++] = '-';
            value = -value;
        }
        int digits = 1;
        for (long rest = value; rest >= 10; rest /= 10) {
            digits++;
        }
        for (int i = length + digits - 1; i >= length; i--) {
            buffer[i] = (byte) ('0' + value % 10);
            value /= 10;
        }
        length += digits;
        return this;
    }

    /** Nanoseconds as milliseconds with three decimals, right-aligned to {@code width}. */
    ByteWriter millis(long nanos, int width) {
        int start = length;
        long micros = nanos / 1000;
        dec(micros / 1000).put('.');
        int fraction = (int) (micros % 1000);
        put((char) ('0' + fraction / 100))
                .put((char) ('0' + fraction / 10 % 10))
                .put((char) ('0' + fraction % 10));
        int pad = width - (length - start);
        if (pad > 0) {
            room(pad);
            System.arraycopy(buffer, start, buffer, start + pad, length - start);
            java.util.Arrays.fill(buffer, start, start + pad, (byte) ' ');
            length += pad;
        }
        return this;
    }

    /** {@code 0x…}, unsigned. */
    ByteWriter hex(long value) {
        room(18);
        buffer[length++] = '0';
        buffer[length++] = 'x';
        for (int shift = Math.max(0, (63 - Long.numberOfLeadingZeros(value | 1)) & ~3); shift >= 0; shift -= 4) {
            buffer[length++] = DIGITS[(int) (value >>> shift) & 15];
        }
        return this;
    }

    /** A JSON string with its quotes. */
    ByteWriter quoted(String text) {
        put('"');
        int plain = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < 0x20 || c == '"' || c == '\\' || Character.isSurrogate(c)) {
                put(text.substring(plain, i)).put("\\u").put(String.format("%04x", (int) c));
                plain = i + 1;
            }
        }
        return (plain == 0 ? put(text) : put(text.substring(plain))).put('"');
    }

    /** Ends a record: what has gathered is written when there is enough. */
    void endRecord() throws IOException {
        if (length >= FLUSH_AT) {
            flush();
        }
    }

    void flush() throws IOException {
        out.write(buffer, 0, length);
        length = 0;
        out.flush();
    }

    private void room(int bytes) {
        if (length + bytes > buffer.length) {
            buffer = java.util.Arrays.copyOf(buffer, Math.max(2 * buffer.length, length + bytes));
        }
    }
}
