package faultline.emulator.task;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * User memory as one task's system calls see it (uaccess): bound to the task's address space and fault context, so that
 * a touched page is faulted in, counted and traced as on Linux.
 *
 * <p>Methods without a count throw {@link UserFault} when any byte cannot be accessed; some bytes may have been copied
 * by then. Called on the task's own thread only, holding no memory manager lock.
 */
public interface TaskMemory {
    /** No value: an access would have to fault first. */
    long ABSENT = -1;

    byte getByte(long address);

    short getShort(long address);

    int getInt(long address);

    long getLong(long address);

    void putByte(long address, byte value);

    void putShort(long address, short value);

    void putInt(long address, int value);

    void putLong(long address, long value);

    /**
     * Reads an aligned value where that takes no fault; for callers with a lock that a fault's handling could need.
     *
     * @return the value, zero-extended, or {@link #ABSENT}
     */
    long getIntIfPresent(long address);

    /**
     * Replaces an aligned value by {@code update} if it is {@code expect}, where that takes no fault. Atomic against
     * other system calls; against guest code only while the caller owns the virtual CPU.
     *
     * @return what was found, zero-extended, or {@link #ABSENT}
     */
    long exchangeIntIfPresent(long address, int expect, int update);

    /** Makes a page present and writable without writing to it. */
    void faultInWritable(long address);

    /** Copies {@code length} bytes from the guest. Returns how many were copied before the first bad address. */
    long copyIn(long address, MemorySegment to, long offset, long length);

    /** Copies {@code length} bytes to the guest. Returns how many were copied before the first bad address. */
    long copyOut(long address, MemorySegment from, long offset, long length);

    /** Writes {@code length} zero bytes. */
    void clear(long address, long length);

    /**
     * Reads a NUL-terminated string of bytes, without its NUL.
     *
     * @param max bytes looked at, NUL included
     * @return {@code null} when there is no NUL among {@code max} bytes
     */
    byte[] readBytes(long address, int max);

    default void read(long address, MemorySegment to, long offset, long length) {
        if (copyIn(address, to, offset, length) != length) {
            throw UserFault.INSTANCE;
        }
    }

    default void write(long address, MemorySegment from, long offset, long length) {
        if (copyOut(address, from, offset, length) != length) {
            throw UserFault.INSTANCE;
        }
    }

    default void read(long address, byte[] to, int offset, int length) {
        read(address, MemorySegment.ofArray(to), offset, length);
    }

    default void write(long address, byte[] from, int offset, int length) {
        write(address, MemorySegment.ofArray(from), offset, length);
    }

    /**
     * {@link #readBytes} as a string, one char a byte (ISO 8859-1), so that no file name is ever changed by decoding.
     */
    default String readString(long address, int max) {
        byte[] bytes = readBytes(address, max);
        return bytes == null ? null : new String(bytes, StandardCharsets.ISO_8859_1);
    }

    /** As {@link #putInt}, for an address that nobody can complain about any more. Returns whether it was written. */
    default boolean tryPutInt(long address, int value) {
        try {
            putInt(address, value);
            return true;
        } catch (UserFault e) {
            return false;
        }
    }
}
