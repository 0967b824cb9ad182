package faultline.plugins.dwarf;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Reads DWARF's numbers and texts one after the other; whatever lies outside throws {@link BufferUnderflowException}.
 */
final class DwarfReader {
    /** No file's name is longer; a limit, since many entries may point at one long text. */
    private static final int MAX_TEXT = 1024;

    private final ByteBuffer bytes;

    DwarfReader(ByteBuffer bytes) {
        this.bytes = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    }

    boolean hasMore() {
        return bytes.hasRemaining();
    }

    /** A reader of the next bytes, which this one passes over. */
    DwarfReader part(long length) {
        if (length < 0 || length > bytes.remaining()) {
            throw new BufferUnderflowException();
        }
        var part = new DwarfReader(bytes.slice(bytes.position(), (int) length));
        skip(length);
        return part;
    }

    void skip(long length) {
        if (length < 0 || length > bytes.remaining()) {
            throw new BufferUnderflowException();
        }
        bytes.position(bytes.position() + (int) length);
    }

    int u8() {
        return Byte.toUnsignedInt(bytes.get());
    }

    int s8() {
        return bytes.get();
    }

    int u16() {
        return Short.toUnsignedInt(bytes.getShort());
    }

    long u32() {
        return Integer.toUnsignedLong(bytes.getInt());
    }

    long u64() {
        return bytes.getLong();
    }

    /** An offset or length of the 32-bit or the 64-bit format. */
    long offset(boolean is64) {
        return is64 ? u64() : u32();
    }

    /** ULEB128; bits beyond the 64th are lost. */
    long uleb() {
        long value = 0;
        int shift = 0;
        byte next;
        do {
            next = bytes.get();
            value |= shift < 64 ? (next & 0x7fL) << shift : 0;
            shift += 7;
        } while (next < 0);
        return value;
    }

    /** SLEB128. */
    long sleb() {
        long value = 0;
        int shift = 0;
        byte next;
        do {
            next = bytes.get();
            value |= shift < 64 ? (next & 0x7fL) << shift : 0;
            shift += 7;
        } while (next < 0);
        return shift < 64 && (next & 0x40) != 0 ? value | -1L << shift : value;
    }

    /** A text that ends with a 0. */
    String text() {
        int start = bytes.position();
        int length = 0;
        while (bytes.get() != 0) {
            if (++length > MAX_TEXT) {
                throw new IllegalArgumentException("a text of more than " + MAX_TEXT + " bytes");
            }
        }
        var text = new byte[length];
        bytes.get(start, text);
        return new String(text, StandardCharsets.UTF_8);
    }
}
