package faultline.mmu.phys;

import static faultline.mmu.phys.NativeMemory.ALL;
import static faultline.mmu.phys.NativeMemory.INT;
import static faultline.mmu.phys.NativeMemory.LONG;

import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * What the memory manager knows of each frame: the counterpart of {@code struct page}.
 *
 * <p>A record of 32 bytes a frame, off the heap and backed only where touched:
 *
 * <pre>
 *   0 flags (int)   4 references (int)   8 mappings (int)   12 order (byte)   13 used (byte)   16 index (long)   24 private (long)
 * </pre>
 *
 * and beside it one object a frame, its mapping: the file's or anonymous area's reverse map, or a page table's lock.
 *
 * <p>Flags and counts are atomic. Mapping, index and private value are guarded by whatever owns the frame: the page
 * lock for pages, the allocator's lock for free frames.
 */
@KernelFunction("struct page")
public final class FrameTable {
    private static final int RECORD_SHIFT = 5;
    private static final int FLAGS = 0;
    private static final int REFCOUNT = 4;
    private static final int MAPCOUNT = 8;
    private static final int ORDER = 12;
    private static final int USED = 13;
    private static final int INDEX = 16;
    private static final int PRIVATE = 24;

    private static final int CHUNK_SHIFT = 9;
    private static final int CHUNK_MASK = (1 << CHUNK_SHIFT) - 1;

    private final NativeMemory memory;
    private final long base;
    private final long count;

    /** Mapping objects, 512 frames a chunk, made when first needed. */
    private final AtomicReferenceArray<Object[]> mappings;

    private final LruVec lru;

    FrameTable(long count) {
        this.count = count;
        memory = NativeMemory.map(count << RECORD_SHIFT, Page.SIZE);
        base = memory.base();
        mappings = new AtomicReferenceArray<>(Math.toIntExact((count + CHUNK_MASK) >>> CHUNK_SHIFT));
        lru = new LruVec(this);
    }

    /** How many frames there are; numbers run from 0 to this, exclusive. */
    public long count() {
        return count;
    }

    /** The lists of frames by last use. */
    public LruVec lru() {
        return lru;
    }

    /** Whether a frame of that number exists. */
    @KernelFunction("pfn_valid")
    public boolean isValid(long pfn) {
        return pfn >= 0 && pfn < count;
    }

    private long at(long pfn) {
        if (pfn < 0 || pfn >= count) {
            throw new IndexOutOfBoundsException("no frame " + pfn);
        }
        return base + (pfn << RECORD_SHIFT);
    }

    // ---- references

    /** References to the frame; 0 when it is free. */
    @KernelFunction("page_count")
    public int refcount(long pfn) {
        return (int) INT.getVolatile(ALL, at(pfn) + REFCOUNT);
    }

    /**
     * Takes a reference; of the whole block when the frame is part of a compound page. The caller has one, or a lock
     * that keeps the frame from being freed.
     */
    @KernelFunction("get_page")
    public void get(long pfn) {
        long address = at(head(pfn)) + REFCOUNT;
        int before = (int) INT.getAndAdd(ALL, address, 1);
        if (before <= 0) {
            INT.getAndAdd(ALL, address, -1);
            throw bad("is referenced while it is free", pfn);
        }
    }

    /** Takes {@code count} references at once, to the head of a compound page that the caller holds one to. */
    @KernelFunction("page_ref_add")
    public void addReferences(long head, int count) {
        INT.getAndAdd(ALL, at(head) + REFCOUNT, count);
    }

    /** Takes a reference unless the frame is free or about to be. */
    @KernelFunction("get_page_unless_zero")
    public boolean getUnlessZero(long pfn) {
        long address = at(pfn) + REFCOUNT;
        int seen = (int) INT.getVolatile(ALL, address);
        while (seen > 0) {
            int found = (int) INT.compareAndExchange(ALL, address, seen, seen + 1);
            if (found == seen) {
                return true;
            }
            seen = found;
        }
        return false;
    }

    /**
     * Drops a reference; of the whole block when the frame is part of a compound page.
     *
     * @return true when it was the last: the caller then frees the frame ({@link FrameAllocator#putPage} does both)
     */
    @KernelFunction("put_page_testzero")
    public boolean put(long pfn) {
        long address = at(head(pfn)) + REFCOUNT;
        int now = (int) INT.getAndAdd(ALL, address, -1) - 1;
        if (now < 0) {
            INT.getAndAdd(ALL, address, 1);
            throw bad("is released more often than it was referenced", pfn);
        }
        return now == 0;
    }

    /** Sets the count; for the allocator and for tests. */
    @KernelFunction("set_page_count")
    public void setRefcount(long pfn, int references) {
        INT.setRelease(ALL, at(pfn) + REFCOUNT, references);
    }

    /**
     * Takes all references at once if there are exactly {@code expected}, so that nobody can gain another.
     *
     * @return false when the count differs
     */
    @KernelFunction("page_ref_freeze")
    public boolean freezeRefcount(long pfn, int expected) {
        return (boolean) INT.compareAndSet(ALL, at(pfn) + REFCOUNT, expected, 0);
    }

    // ---- mappings by page tables

    /** How many page-table entries map the frame. */
    @KernelFunction("page_mapcount")
    public int mapcount(long pfn) {
        return (int) INT.getVolatile(ALL, at(pfn) + MAPCOUNT);
    }

    /** Counts one more mapping. @return the new count */
    public int incMapcount(long pfn) {
        return (int) INT.getAndAdd(ALL, at(pfn) + MAPCOUNT, 1) + 1;
    }

    /** Counts one mapping less. @return the new count, 0 when nothing maps the frame any more */
    public int decMapcount(long pfn) {
        int now = (int) INT.getAndAdd(ALL, at(pfn) + MAPCOUNT, -1) - 1;
        if (now < 0) {
            INT.getAndAdd(ALL, at(pfn) + MAPCOUNT, 1);
            throw bad("is unmapped more often than it was mapped", pfn);
        }
        return now;
    }

    /** Sets a count of 1, which nobody else can change now, to 0. @return false, with nothing done, when it is not 1 */
    public boolean dropOnlyMapping(long pfn) {
        long address = at(pfn) + MAPCOUNT;
        if ((int) INT.get(ALL, address) != 1) {
            return false;
        }
        INT.setRelease(ALL, address, 0);
        return true;
    }

    // ---- flags

    /** The frame's flags, bits of {@link PageFlags}. */
    public int flags(long pfn) {
        return (int) INT.getVolatile(ALL, at(pfn) + FLAGS);
    }

    /** Whether any of the given bits is set. @param flags constants of {@link PageFlags} */
    public boolean test(long pfn, int flags) {
        return (flags(pfn) & flags) != 0;
    }

    /** Sets flags in one step; those that are set are not written again. */
    public void set(long pfn, int flags) {
        long address = at(pfn) + FLAGS;
        if (((int) INT.getVolatile(ALL, address) & flags) != flags) {
            INT.getAndBitwiseOr(ALL, address, flags);
        }
    }

    /** Clears flags in one step; those that are clear are not written again. */
    public void clear(long pfn, int flags) {
        long address = at(pfn) + FLAGS;
        if (((int) INT.getVolatile(ALL, address) & flags) != 0) {
            INT.getAndBitwiseAnd(ALL, address, ~flags);
        }
    }

    /** Sets bits. @return whether any of them was set before */
    public boolean testAndSet(long pfn, int flags) {
        return ((int) INT.getAndBitwiseOr(ALL, at(pfn) + FLAGS, flags) & flags) != 0;
    }

    /** Clears bits. @return whether any of them was set before */
    public boolean testAndClear(long pfn, int flags) {
        return ((int) INT.getAndBitwiseAnd(ALL, at(pfn) + FLAGS, ~flags) & flags) != 0;
    }

    /** Replaces all flags, without atomicity: for a frame that nobody else knows of. */
    void initFlags(long pfn, int flags) {
        INT.set(ALL, at(pfn) + FLAGS, flags);
    }

    /** Makes a frame fit to be handed out: one reference, the given flags, no private value. */
    void prepare(long pfn, int flags) {
        long address = at(pfn);
        INT.set(ALL, address + FLAGS, flags);
        INT.set(ALL, address + MAPCOUNT, 0);
        LONG.set(ALL, address + INDEX, 0L);
        LONG.set(ALL, address + PRIVATE, 0L);
        INT.setRelease(ALL, address + REFCOUNT, 1);
    }

    /** As {@link #prepare} without the reference: for the other frames of a block. */
    void prepareTail(long pfn) {
        prepare(pfn, 0);
        INT.setRelease(ALL, at(pfn) + REFCOUNT, 0);
    }

    /**
     * What a single frame whose last reference is gone must look like on a free list; it belongs to nothing any more.
     */
    void clearForFree(long pfn, int wrongFlags) {
        long address = at(pfn);
        if (((int) INT.get(ALL, address + FLAGS) & wrongFlags) != 0
                || (int) INT.get(ALL, address + MAPCOUNT) != 0
                || (int) INT.get(ALL, address + REFCOUNT) != 0) {
            throw bad("is freed while it is in use", pfn);
        }
        Object[] chunk = mappings.getAcquire((int) (pfn >>> CHUNK_SHIFT));
        if (chunk != null && chunk[(int) pfn & CHUNK_MASK] != null) {
            chunk[(int) pfn & CHUNK_MASK] = null;
        }
        ALL.set(ValueLayout.JAVA_BYTE, address + USED, (byte) 1);
        INT.set(ALL, address + FLAGS, 0);
    }

    // ---- mapping, index, private

    /** The object that the frame belongs to, null for none. */
    @KernelFunction("page_mapping")
    public Object mapping(long pfn) {
        at(pfn);
        Object[] chunk = mappings.getAcquire((int) (pfn >>> CHUNK_SHIFT));
        return chunk == null ? null : chunk[(int) pfn & CHUNK_MASK];
    }

    /** Says whom the frame belongs to, null for nobody. Caller holds the page lock, or has the frame alone. */
    public void setMapping(long pfn, Object mapping) {
        at(pfn);
        int number = (int) (pfn >>> CHUNK_SHIFT);
        Object[] chunk = mappings.getAcquire(number);
        if (chunk == null) {
            if (mapping == null) {
                return;
            }
            Object[] fresh = new Object[CHUNK_MASK + 1];
            Object[] other = mappings.compareAndExchange(number, null, fresh);
            chunk = other == null ? fresh : other;
        }
        chunk[(int) pfn & CHUNK_MASK] = mapping;
    }

    /**
     * What a new frame becomes that is about to be mapped for the first time; nobody else knows it yet, so nothing is
     * atomic.
     *
     * @param mapping what it belongs to
     * @param index its place there
     */
    public void initMapped(long pfn, Object mapping, long index) {
        long address = at(pfn);
        LONG.set(ALL, address + INDEX, index);
        INT.set(ALL, address + MAPCOUNT, 1);
        setMapping(pfn, mapping);
    }

    /** Position of the page in its file, or in its anonymous area, in pages. */
    public long index(long pfn) {
        return (long) LONG.get(ALL, at(pfn) + INDEX);
    }

    /** Sets the position. Caller holds the page lock, or has the frame alone. */
    public void setIndex(long pfn, long index) {
        LONG.set(ALL, at(pfn) + INDEX, index);
    }

    /** What the frame's owner keeps with it: swap entry, order, or level of a table. */
    @KernelFunction("page_private")
    public long privateData(long pfn) {
        return (long) LONG.getAcquire(ALL, at(pfn) + PRIVATE);
    }

    /** Sets what {@link #privateData} tells. */
    @KernelFunction("set_page_private")
    public void setPrivateData(long pfn, long value) {
        LONG.setRelease(ALL, at(pfn) + PRIVATE, value);
    }

    // ---- compound pages

    /** log2 of the number of frames in the block that this frame is the head of. */
    @KernelFunction("compound_order")
    public int order(long pfn) {
        return ALL.get(ValueLayout.JAVA_BYTE, at(pfn) + ORDER);
    }

    void setOrder(long pfn, int order) {
        ALL.set(ValueLayout.JAVA_BYTE, at(pfn) + ORDER, (byte) order);
    }

    /** Whether the frame was freed before: its content may be anything. A frame never freed holds the host's zeros. */
    boolean isUsed(long pfn) {
        return ALL.get(ValueLayout.JAVA_BYTE, at(pfn) + USED) != 0;
    }

    void setUsed(long pfn) {
        ALL.set(ValueLayout.JAVA_BYTE, at(pfn) + USED, (byte) 1);
    }

    /** First frame of the block allocated as one that the frame is part of; the frame itself when it is single. */
    @KernelFunction("compound_head")
    public long head(long pfn) {
        return test(pfn, PageFlags.TAIL) ? privateData(pfn) : pfn;
    }

    /**
     * Makes one compound page of 2^order frames: the head counts references for all, the tails point to it.
     *
     * @param head first frame, aligned to the order
     */
    @KernelFunction("prep_compound_page")
    public void makeCompound(long head, int order) {
        set(head, PageFlags.HEAD);
        setOrder(head, order);
        for (long pfn = head + 1; pfn < head + (1L << order); pfn++) {
            set(pfn, PageFlags.TAIL);
            setRefcount(pfn, 0);
            setPrivateData(pfn, head);
        }
    }

    /**
     * Makes single frames of a compound page, each with {@code references} references.
     *
     * <p>The caller has all references to the compound page ({@link #freezeRefcount}).
     */
    public void splitCompound(long head, int references) {
        int order = order(head);
        setOrder(head, 0);
        for (long pfn = head + 1; pfn < head + (1L << order); pfn++) {
            setPrivateData(pfn, 0);
            clear(pfn, PageFlags.TAIL);
            setRefcount(pfn, references);
        }
        clear(head, PageFlags.HEAD);
        setRefcount(head, references);
    }

    /** For messages. */
    public String describe(long pfn) {
        return "frame " + pfn + " (refs " + refcount(pfn) + ", maps " + mapcount(pfn) + ", order " + order(pfn)
                + ", index "
                + index(pfn) + ", private " + privateData(pfn) + ", " + PageFlags.toString(flags(pfn)) + ", "
                + mapping(pfn)
                + ")";
    }

    IllegalStateException bad(String what, long pfn) {
        return new IllegalStateException(describe(pfn) + " " + what);
    }

    void close() {
        lru.close();
        memory.unmap();
    }
}
