package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.PageCache;
import faultline.mmu.memcg.MemCgroup;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.rmap.SwapOps;
import faultline.mmu.table.HugePmd;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import java.util.concurrent.atomic.AtomicLong;

/** What of the machine the steps of a fault work on; one object a machine. */
public final class FaultEnv {
    final PhysicalMemory phys;
    final FrameTable frames;
    final FrameAllocator allocator;
    final PageTables tables;
    final PageCache cache;
    final Rmap rmap;
    final long zeroPfn;
    private final AtomicLong hugeZeroPfn = new AtomicLong(-1);
    volatile SwapOps swap = SwapOps.NONE;

    /**
     * @param tables page tables in {@code cache}'s memory
     * @param cache the machine's page cache
     * @param rmap the machine's reverse map
     * @param zeroPfn the frame that untouched anonymous memory reads as: zeros, RESERVED
     */
    public FaultEnv(PageTables tables, PageCache cache, Rmap rmap, long zeroPfn) {
        this.phys = cache.phys();
        this.frames = cache.frames();
        this.allocator = cache.allocator();
        this.tables = tables;
        this.cache = cache;
        this.rmap = rmap;
        this.zeroPfn = zeroPfn;
        tables.huge().setZeroPage(zeroPfn);
    }

    /** The frame of zeros. */
    public long zeroPfn() {
        return zeroPfn;
    }

    /** The reverse map. */
    public Rmap rmap() {
        return rmap;
    }

    /** The page cache. */
    public PageCache cache() {
        return cache;
    }

    /** The page tables. */
    public PageTables tables() {
        return tables;
    }

    /** What swapping is done by. */
    public SwapOps swap() {
        return swap;
    }

    /** Installs swapping; once, before the first entry can be a swap entry. */
    public void setSwap(SwapOps ops) {
        swap = ops;
    }

    /**
     * Whether a page that was found in the swap cache still is there, for the slot of {@code entry}. Until it was locked
     * it may have been mapped, and have gone to another slot, while another page went to this one
     * ({@code SwapSlotReuseTest}).
     */
    @RequiresLock("PAGE_LOCK")
    boolean isSwapPage(long pfn, long entry) {
        return frames.test(pfn, PageFlags.SWAPCACHE) && frames.privateData(pfn) == Pte.swapKey(entry);
    }

    /** Whether {@code pfn} is a page that is counted and referenced by its mappings (Linux: {@code vm_normal_page}). */
    boolean isCounted(long pfn) {
        return flagsIfCounted(pfn) >= 0;
    }

    /** The flags of {@code pfn} as a page that {@link #isCounted}; -1 when it is none. */
    int flagsIfCounted(long pfn) {
        int flags = frames.isValid(pfn) ? frames.flags(pfn) : PageFlags.RESERVED;
        return (flags & PageFlags.RESERVED) == 0 ? flags : -1;
    }

    /**
     * The first address behind {@code address} that can be mapped, for a walk that found no PMD table there.
     */
    long behindHole(long pgd, long address) {
        long span = tables.walkToPud(pgd, address) < 0 ? Page.PGD_SIZE : Page.PUD_SIZE;
        return (address & -span) + span;
    }

    /** A zeroed frame for anonymous memory of {@code mm} with one reference, or -1. */
    long allocZeroed(MmStruct mm) {
        long pfn = allocator.allocZeroedPage(Rmap.NEW_ANON | PageFlags.LRU);
        if (pfn >= 0) {
            cache.instructionCache().flushFrame(pfn);
        }
        return charged(mm, pfn);
    }

    /** Charges a new frame, or -1, to the group of {@code mm}: see {@link faultline.mmu.memcg.MemCgroups#charged}. */
    @KernelFunction("mem_cgroup_charge")
    long charged(MmStruct mm, long pfn) {
        MemCgroup group = mm.memCgroup();
        return group == null ? pfn : cache.memCgroups().charged(group, pfn);
    }

    /**
     * A zeroed huge page for memory of {@code mm} with one reference; -1 when there is none to be had without waiting.
     */
    long allocZeroedHuge(MmStruct mm) {
        long head = allocator.allocZeroedCompound(HugePmd.ORDER);
        if (head >= 0) {
            for (int i = 0; i < HugePmd.FRAMES; i++) {
                cache.instructionCache().flushFrame(head + i);
            }
            frames.set(head, Rmap.NEW_ANON);
            frames.lru().add(head);
        }
        return cache.memCgroups().chargedHuge(mm.memCgroup(), head, HugePmd.FRAMES);
    }

    /**
     * The huge page of zeros, made when first wanted and kept from then on, since small machines may never want it; -1
     * when there is no memory for it.
     */
    @KernelFunction("mm_get_huge_zero_folio")
    long hugeZero() {
        long present = hugeZeroPfn.get();
        return present >= 0 ? present : makeHugeZero();
    }

    private long makeHugeZero() {
        long made = allocator.allocZeroedCompound(HugePmd.ORDER);
        if (made < 0) {
            return hugeZeroPfn.get();
        }
        for (int i = 0; i < HugePmd.FRAMES; i++) {
            frames.set(made + i, PageFlags.RESERVED | PageFlags.ZERO | PageFlags.UPTODATE);
        }
        long other = hugeZeroPfn.compareAndExchange(-1, made);
        if (other < 0) {
            return made;
        }
        // Another task was first, and nobody has seen ours.
        for (int i = 0; i < HugePmd.FRAMES; i++) {
            frames.clear(made + i, PageFlags.RESERVED | PageFlags.ZERO | PageFlags.UPTODATE);
        }
        allocator.putPage(made);
        return other;
    }

    /** A frame of undefined content for anonymous memory of {@code mm} with one reference, or -1. */
    long allocAnon(MmStruct mm) {
        return charged(mm, allocator.allocPage(Rmap.NEW_ANON | PageFlags.LRU));
    }

    /** A frame with a copy of {@code from} for anonymous memory of {@code mm} with one reference, or -1. */
    long allocCopy(MmStruct mm, long from) {
        long pfn = allocAnon(mm);
        if (pfn >= 0) {
            copyPage(from, pfn);
        }
        return pfn;
    }

    /** Copies a page into a frame that user memory is going to be. */
    @KernelFunction("copy_user_highpage")
    void copyPage(long from, long to) {
        phys.copy(from << Page.SHIFT, to << Page.SHIFT, Page.SIZE);
        cache.instructionCache().flushFrame(to);
    }
}
