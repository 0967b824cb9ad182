package faultline.mmu.tlb;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import java.util.Arrays;

/**
 * Gathers the frames and page tables that an operation removes from an address space, flushes the TLB once, and only
 * then lets them go.
 *
 * <p>The order is the point. Between clearing an entry and flushing, a processor may still reach the frame through its
 * TLB; were the frame freed in between, and handed to somebody else, it would write into that one's memory. The same
 * with a page table: the processor may still be walking it.
 *
 * <p>One object serves many operations, one at a time ({@link #begin} … {@link #finish}), and allocates nothing once
 * its list has grown. Not thread-safe.
 */
@KernelFunction("struct mmu_gather")
public final class MmuGather {
    /** Past this many frames it flushes and frees at once, to bound what it holds back. */
    static final int LIMIT = 1 << 15;

    /** How many references are dropped before the frames that had no other are freed. */
    private static final int BATCH = 512;

    private static final long TABLE_BIT = Long.MIN_VALUE;

    private final FrameTable frames;
    private final FrameAllocator allocator;
    private final InstructionCache code;

    private AddressSpaceTlb tlb;
    private boolean fullMm;
    private long start;
    private long end;
    private long[] gathered = new long[64];
    private int count;
    private long flushes;

    /** @param code told of each frame that is freed */
    public MmuGather(PhysicalMemory memory, InstructionCache code) {
        this.frames = memory.frames();
        this.allocator = memory.allocator();
        this.code = code;
    }

    /**
     * Starts an operation.
     *
     * @param ofSpace whose translations are flushed
     * @param wholeSpace the address space is being torn down: one full flush instead of ranges
     * @throws IllegalStateException when the last operation was not finished
     */
    @KernelFunction("tlb_gather_mmu")
    public void begin(AddressSpaceTlb ofSpace, boolean wholeSpace) {
        if (tlb != null) {
            throw new IllegalStateException("an operation that gathers frames has not finished");
        }
        tlb = ofSpace;
        fullMm = wholeSpace;
        resetRange();
    }

    private void resetRange() {
        start = Long.MAX_VALUE;
        end = 0;
    }

    /** Notes that an entry changed whose old translation must not be used any more after {@link #finish}. */
    @KernelFunction("tlb_remove_tlb_entry")
    public void flushLater(long address, long bytes) {
        start = Math.min(start, address);
        end = Math.max(end, address + bytes);
    }

    /**
     * Hands over one reference to a frame, whose entry at {@code address} has been cleared. It is dropped after the
     * flush.
     */
    @KernelFunction("tlb_remove_page")
    public void removePage(long pfn, long address) {
        flushLater(address, 1L << 12);
        add(pfn);
    }

    /**
     * Hands over one reference to a frame that no entry maps any more, or a huge page of {@code bytes} mapped at
     * address.
     */
    public void removePage(long pfn, long address, long bytes) {
        flushLater(address, bytes);
        add(pfn);
    }

    /** Hands over a page table that nothing points to any more; it is freed after the flush of what it spanned. */
    @KernelFunction("tlb_remove_table")
    public void removeTable(long pfn, long address, long bytes) {
        flushLater(address & -bytes, bytes);
        add(pfn | TABLE_BIT);
    }

    private void add(long item) {
        if (count == gathered.length) {
            gathered = Arrays.copyOf(gathered, 2 * count);
        }
        gathered[count++] = item;
        if (count >= LIMIT) {
            flush();
        }
    }

    /**
     * Flushes what is due and frees what waited for it; gathering goes on. May be called with page-table locks held.
     */
    @KernelFunction("tlb_flush_mmu")
    public void flush() {
        if (end > start) {
            if (fullMm) {
                tlb.flushAll();
            } else {
                tlb.flushRange(start, end);
            }
            flushes++;
            resetRange();
        }
        for (int from = 0; from < count; from += BATCH) {
            drop(from, Math.min(count, from + BATCH));
        }
        count = 0;
    }

    /** Drops references, and frees what had no other while the records of these frames are in the processor's cache. */
    @KernelFunction("folios_put_refs")
    private void drop(int from, int to) {
        int last = 0;
        for (int i = from; i < to; i++) {
            long item = gathered[i];
            long pfn = item & ~TABLE_BIT;
            if (item < 0) {
                // Before the reference goes: reclaim may have taken one for a look, and then the frame is freed by it.
                frames.clear(pfn, PageFlags.TABLE);
            }
            if (frames.put(pfn)) {
                gathered[last++] = item < 0 ? pfn : forgetCode(pfn);
            } else {
                allocator.leftReferenced(pfn);
            }
        }
        allocator.freeUnreferenced(gathered, last);
    }

    /**
     * Of a compound page all frames go with the last reference, whichever frame that one was to. @return the first of
     * them
     */
    private long forgetCode(long pfn) {
        if (!frames.test(pfn, PageFlags.HEAD | PageFlags.TAIL)) {
            code.flushFrame(pfn);
            return pfn;
        }
        long head = frames.head(pfn);
        for (long each = head; each < head + (1L << frames.order(head)); each++) {
            code.flushFrame(each);
        }
        return head;
    }

    /** Ends the operation: flushes and frees. */
    @KernelFunction("tlb_finish_mmu")
    public void finish() {
        flush();
        tlb = null;
    }

    /** How many TLB flushes this object has asked for. */
    public long flushes() {
        return flushes;
    }
}
