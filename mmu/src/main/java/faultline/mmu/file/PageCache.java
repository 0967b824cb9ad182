package faultline.mmu.file;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.lock.SpinWait;
import faultline.mmu.memcg.MemCgroups;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.tlb.InstructionCache;

/**
 * What the page caches of all files of one machine share: the memory, the way up to the page tables, and the page lock.
 *
 * <p>The page lock is a bit of the frame's flags, taken by compare-and-swap; whoever finds it set waits in
 * {@link SpinWait}'s manner, since holders read or write one page and then let go.
 */
public final class PageCache {
    private final PhysicalMemory phys;
    private final FrameTable frames;
    private final FrameAllocator allocator;
    private final MemCgroups memCgroups;
    private volatile MappingWalker walker = MappingWalker.NONE;
    private volatile FileSwap swap;
    private volatile InstructionCache instructionCache = InstructionCache.NONE;

    /** A page cache in the frames of {@code phys}. */
    public PageCache(PhysicalMemory phys) {
        this.phys = phys;
        this.frames = phys.frames();
        this.allocator = phys.allocator();
        this.memCgroups = new MemCgroups(frames, allocator);
    }

    /** The machine's memory. */
    public PhysicalMemory phys() {
        return phys;
    }

    /** The machine's frame table. */
    public FrameTable frames() {
        return frames;
    }

    /** The machine's frame allocator. */
    public FrameAllocator allocator() {
        return allocator;
    }

    /** Who is charged for frames. */
    public MemCgroups memCgroups() {
        return memCgroups;
    }

    /** How many frames are cached pages now: counted anew, by a look at each frame, for who displays it. */
    @KernelFunction("global_node_page_state")
    public long pages() {
        long pages = 0;
        for (long pfn = 0; frames.isValid(pfn); pfn++) {
            if (frames.mapping(pfn) instanceof AddressSpace) {
                pages++;
            }
        }
        return pages;
    }

    /** The way to the page tables that map cached pages. */
    public MappingWalker walker() {
        return walker;
    }

    /** Installs the way to the page tables; done once, before the first mapping. */
    public void setWalker(MappingWalker newWalker) {
        walker = newWalker;
    }

    /** Where pages of memory files are swapped to. */
    FileSwap swap() {
        return swap;
    }

    /** Installs swapping; done once, before the first page can be swapped out. */
    public void setSwap(FileSwap newSwap) {
        swap = newSwap;
    }

    /** Who is told of frames whose content was changed by the kernel side. */
    public InstructionCache instructionCache() {
        return instructionCache;
    }

    /** Installs the listener for changed frames; done once, before the first guest instruction. */
    public void setInstructionCache(InstructionCache cache) {
        instructionCache = cache;
    }

    /** Takes the page lock if it is free. */
    public boolean tryLockPage(long pfn) {
        return !frames.testAndSet(pfn, PageFlags.LOCKED);
    }

    /** Takes the page lock, waiting for it. The caller holds a reference and no spin lock. */
    public void lockPage(long pfn) {
        int spins = 0;
        while (frames.testAndSet(pfn, PageFlags.LOCKED)) {
            spins = SpinWait.pause(spins);
        }
    }

    /** Lets the page lock go. */
    public void unlockPage(long pfn) {
        if (!frames.testAndClear(pfn, PageFlags.LOCKED)) {
            throw new IllegalStateException("frame " + pfn + " is not locked");
        }
    }
}
