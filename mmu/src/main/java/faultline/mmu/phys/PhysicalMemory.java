package faultline.mmu.phys;

import static faultline.mmu.phys.NativeMemory.ALL;
import static faultline.mmu.phys.NativeMemory.INT;
import static faultline.mmu.phys.NativeMemory.LONG;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Guest-physical memory: one stretch of host memory, addresses 0 to {@link #size} exclusive.
 *
 * <p>The host backs it where it is touched, so reserving much costs nothing. Word accesses are plain loads and stores
 * with a bounds check; those that take part in protocols between threads (page-table entries) say so in their name. The
 * atomic ones need natural alignment, the plain ones do not.
 *
 * <p>Thread-safe as memory is. {@link #close} must come after the last access of any thread.
 */
public final class PhysicalMemory implements AutoCloseable {
    private static final ValueLayout.OfLong LONG_ANYWHERE = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfInt INT_ANYWHERE = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT_ANYWHERE = ValueLayout.JAVA_SHORT_UNALIGNED;

    private final NativeMemory ram;
    private final long base;
    private final long size;
    private final MemorySegment segment;
    private final FrameTable frames;
    private final FrameAllocator allocator;
    private boolean closed;

    private PhysicalMemory(long bytes, int frameCaches) {
        if (bytes <= 0 || bytes % Page.PMD_SIZE != 0) {
            throw new IllegalArgumentException("guest memory must be a positive multiple of 2 MiB, not " + bytes);
        }
        ram = NativeMemory.map(bytes, Page.PMD_SIZE);
        ram.preferHugePages();
        base = ram.base();
        size = bytes;
        segment = ram.segment();
        frames = new FrameTable(bytes >>> Page.SHIFT);
        allocator = new FrameAllocator(this, frames, frameCaches);
    }

    /**
     * Reserves guest memory, with one cache of free frames for each host processor.
     *
     * @param bytes size, a positive multiple of 2 MiB
     */
    public static PhysicalMemory reserve(long bytes) {
        return reserve(bytes, Runtime.getRuntime().availableProcessors());
    }

    /**
     * Reserves guest memory.
     *
     * @param bytes size, a positive multiple of 2 MiB
     * @param frameCaches how many caches of free frames threads are spread over; with 1, frame numbers depend on
     *     nothing but the sequence of calls
     */
    public static PhysicalMemory reserve(long bytes, int frameCaches) {
        return new PhysicalMemory(bytes, frameCaches);
    }

    /** Bytes of guest memory. */
    public long size() {
        return size;
    }

    /** Frames of guest memory. */
    public long frameCount() {
        return size >>> Page.SHIFT;
    }

    /** Host address of guest-physical address 0. */
    public long base() {
        return base;
    }

    /** All guest memory, for bulk copies. Not to be used after {@link #close}. */
    public MemorySegment segment() {
        return segment;
    }

    /** What is known of each frame. */
    public FrameTable frames() {
        return frames;
    }

    /** Who hands frames out. */
    public FrameAllocator allocator() {
        return allocator;
    }

    private long at(long pa, long bytes) {
        if (pa < 0 || pa > size - bytes) {
            throw outside(pa, bytes);
        }
        return base + pa;
    }

    private IndexOutOfBoundsException outside(long pa, long bytes) {
        return new IndexOutOfBoundsException(
                bytes + " bytes at guest-physical 0x" + Long.toHexString(pa) + " are outside of memory");
    }

    /** Reads 8 bytes, at any alignment, plainly. */
    public long getLong(long pa) {
        return ALL.get(LONG_ANYWHERE, at(pa, 8));
    }

    /** Writes 8 bytes, at any alignment, plainly. */
    public void putLong(long pa, long value) {
        ALL.set(LONG_ANYWHERE, at(pa, 8), value);
    }

    /** Reads 8 aligned bytes; what follows is not moved before it. */
    public long getLongAcquire(long pa) {
        return (long) LONG.getAcquire(ALL, at(pa, 8));
    }

    /** Writes 8 aligned bytes; what comes before is not moved after it. */
    public void putLongRelease(long pa, long value) {
        LONG.setRelease(ALL, at(pa, 8), value);
    }

    /** Replaces a long if it still is {@code expect}. @return whether it was */
    public boolean casLong(long pa, long expect, long update) {
        return (boolean) LONG.compareAndSet(ALL, at(pa, 8), expect, update);
    }

    /** As {@link #casLong}; returns what was found, equal to {@code expect} on success (cmpxchg). */
    public long exchangeIfLong(long pa, long expect, long update) {
        return (long) LONG.compareAndExchange(ALL, at(pa, 8), expect, update);
    }

    /** Replaces 8 aligned bytes in one step. @return what was there */
    public long getAndSetLong(long pa, long value) {
        return (long) LONG.getAndSet(ALL, at(pa, 8), value);
    }

    /** Sets bits of 8 aligned bytes in one step. @return what was there */
    public long getAndOrLong(long pa, long bits) {
        return (long) LONG.getAndBitwiseOr(ALL, at(pa, 8), bits);
    }

    /** Keeps only the bits of {@code mask} of 8 aligned bytes, in one step. @return what was there */
    public long getAndAndLong(long pa, long mask) {
        return (long) LONG.getAndBitwiseAnd(ALL, at(pa, 8), mask);
    }

    /** Reads 4 bytes, at any alignment, plainly. */
    public int getInt(long pa) {
        return ALL.get(INT_ANYWHERE, at(pa, 4));
    }

    /** Writes 4 bytes, at any alignment, plainly. */
    public void putInt(long pa, int value) {
        ALL.set(INT_ANYWHERE, at(pa, 4), value);
    }

    /** Reads 4 aligned bytes, in order with all other such accesses. */
    public int getIntVolatile(long pa) {
        return (int) INT.getVolatile(ALL, at(pa, 4));
    }

    /** Replaces an int if it still is {@code expect}. @return whether it was */
    public boolean casInt(long pa, int expect, int update) {
        return (boolean) INT.compareAndSet(ALL, at(pa, 4), expect, update);
    }

    /** As {@link #casInt}; returns what was found, equal to {@code expect} on success (cmpxchg). */
    public int exchangeIfInt(long pa, int expect, int update) {
        return (int) INT.compareAndExchange(ALL, at(pa, 4), expect, update);
    }

    /** Replaces 4 aligned bytes in one step. @return what was there */
    public int getAndSetInt(long pa, int value) {
        return (int) INT.getAndSet(ALL, at(pa, 4), value);
    }

    /** Adds to 4 aligned bytes in one step. @return what was there */
    public int getAndAddInt(long pa, int value) {
        return (int) INT.getAndAdd(ALL, at(pa, 4), value);
    }

    /** Reads 2 bytes, at any alignment, plainly. */
    public short getShort(long pa) {
        return ALL.get(SHORT_ANYWHERE, at(pa, 2));
    }

    /** Writes 2 bytes, at any alignment, plainly. */
    public void putShort(long pa, short value) {
        ALL.set(SHORT_ANYWHERE, at(pa, 2), value);
    }

    /** Reads a byte. */
    public byte getByte(long pa) {
        return ALL.get(ValueLayout.JAVA_BYTE, at(pa, 1));
    }

    /** Writes a byte. */
    public void putByte(long pa, byte value) {
        ALL.set(ValueLayout.JAVA_BYTE, at(pa, 1), value);
    }

    /** Fills with zeros. @param bytes length, 0 or more */
    public void zero(long pa, long bytes) {
        long to = at(pa, bytes);
        // Copying a page of zeros that stays in the first-level cache takes a quarter less time than
        // MemorySegment.fill.
        for (long left = bytes; left > 0; left -= Page.SIZE, to += Page.SIZE) {
            MemorySegment.copy(ALL, NativeMemory.ZEROS, ALL, to, Math.min(left, Page.SIZE));
        }
    }

    /** Copies within guest memory. @param bytes length, 0 or more; the two ranges may overlap */
    public void copy(long fromPa, long toPa, long bytes) {
        MemorySegment.copy(ALL, at(fromPa, bytes), ALL, at(toPa, bytes), bytes);
    }

    /** Whether two ranges of guest memory hold the same. */
    public boolean equal(long pa, long otherPa, long bytes) {
        long a = at(pa, bytes);
        long b = at(otherPa, bytes);
        return MemorySegment.mismatch(ALL, a, a + bytes, ALL, b, b + bytes) < 0;
    }

    /** Copies out of guest memory into a segment. */
    public void read(long pa, MemorySegment to, long offset, long bytes) {
        MemorySegment.copy(ALL, at(pa, bytes), to, offset, bytes);
    }

    /** Copies a segment's content into guest memory. */
    public void write(long pa, MemorySegment from, long offset, long bytes) {
        MemorySegment.copy(from, offset, ALL, at(pa, bytes), bytes);
    }

    /** Copies out of guest memory into an array. */
    public void read(long pa, byte[] to, int offset, int bytes) {
        MemorySegment.copy(ALL, ValueLayout.JAVA_BYTE, at(pa, bytes), to, offset, bytes);
    }

    /** Copies an array's content into guest memory. */
    public void write(long pa, byte[] from, int offset, int bytes) {
        MemorySegment.copy(from, offset, ALL, ValueLayout.JAVA_BYTE, at(pa, bytes), bytes);
    }

    /** Gives the memory back to the host; closing twice does nothing. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            frames.close();
            ram.unmap();
        }
    }
}
