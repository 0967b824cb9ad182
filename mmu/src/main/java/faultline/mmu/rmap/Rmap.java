package faultline.mmu.rmap;

import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;

/**
 * From a frame to the areas that map it, and the counting of mappings.
 *
 * <p>An anonymous page names its {@link AnonVma} and its page index there; a file's page names its address space. Both
 * lead to a tree of areas, and the area and the index to the one address in it where the page can be.
 */
public final class Rmap {
    /** Flags of a page that is anonymous, new, and its mapper's own; best borne by the frame when it is allocated. */
    public static final int NEW_ANON =
            PageFlags.ANON | PageFlags.ANON_EXCLUSIVE | PageFlags.SWAPBACKED | PageFlags.UPTODATE;

    private static final long IGNORED_FOR_SHARING = VmFlags.READ | VmFlags.WRITE | VmFlags.EXEC | VmFlags.SOFTDIRTY;

    private final FrameTable frames;

    /** A reverse map over {@code frames}. */
    public Rmap(FrameTable frames) {
        this.frames = frames;
    }

    /**
     * Sees to it that {@code area} belongs to a family before its first anonymous page is mapped.
     *
     * <p>Another task may fault in the same area at once: the mm's page-table lock decides which family stays (see
     * {@code AnonVmaPrepareRaceTest}). A neighbour that could be merged with the area lends its family, so that merging
     * stays possible.
     *
     * @return the family; null when there is no memory for one
     */
    @KernelFunction("anon_vma_prepare")
    @RequiresLock("MMAP_LOCK:read")
    public static AnonVma prepare(Vma area) {
        AnonVma present = (AnonVma) area.anonVma();
        return present != null ? present : prepareSlowly(area);
    }

    @KernelFunction("__anon_vma_prepare")
    private static AnonVma prepareSlowly(Vma area) {
        AnonVma family = findMergeable(area);
        if (family == null) {
            family = allocate();
        }
        if (family == null) {
            return null;
        }
        MmStruct mm = area.mm();
        family.lock().lock();
        mm.pageTableLock().lock();
        try {
            AnonVma present = (AnonVma) area.anonVma();
            if (present != null) {
                return present;
            }
            family.linkLocked(area);
            area.setAnonVma(family);
            return family;
        } finally {
            mm.pageTableLock().unlock();
            family.lock().unlock();
        }
    }

    /** A new family, or null when there is no memory for it. */
    @KernelFunction("anon_vma_alloc")
    @Injectable(value = "mm/anon_vma", error = 0, mayWait = true)
    private static AnonVma allocate() {
        return new AnonVma();
    }

    @KernelFunction("find_mergeable_anon_vma")
    private static AnonVma findMergeable(Vma area) {
        Vma next = area.next();
        if (next != null && next.anonVma() != null && compatible(area, next)) {
            return (AnonVma) next.anonVma();
        }
        Vma prev = area.prev();
        if (prev != null && prev.anonVma() != null && compatible(prev, area)) {
            return (AnonVma) prev.anonVma();
        }
        return null;
    }

    @KernelFunction("anon_vma_compatible")
    private static boolean compatible(Vma a, Vma b) {
        return a.end() == b.start()
                && a.file() == b.file()
                && a.ops() == b.ops()
                && ((a.flags() ^ b.flags()) & ~IGNORED_FOR_SHARING) == 0
                && b.pgoff() == a.pgoff() + a.pages();
    }

    /**
     * A part split off, or a copy moved elsewhere, joins the family of the area it comes from.
     *
     * @param copy an area with the right bounds and offset that belongs to no family yet
     */
    @KernelFunction("anon_vma_clone")
    public static void join(Vma copy, Vma from) {
        AnonVma family = (AnonVma) from.anonVma();
        if (family != null) {
            copy.setAnonVma(family);
            family.link(copy);
        }
    }

    /** An area is going, its page tables being empty: it leaves its family. */
    @KernelFunction("unlink_anon_vmas")
    public static void leave(Vma area) {
        AnonVma family = (AnonVma) area.anonVma();
        if (family != null) {
            family.unlink(area);
            area.setAnonVma(null);
        }
    }

    /** The frame, new and known to nobody, is being mapped in {@code area} as its page {@code index}. */
    @KernelFunction("folio_add_new_anon_rmap")
    @RequiresLock("PAGE_TABLE_LOCK")
    public void addNewAnon(long pfn, Vma area, long index) {
        frames.initMapped(pfn, area.anonVma(), index);
        frames.set(pfn, NEW_ANON);
        if ((area.flags() & VmFlags.DROPPABLE) != 0) {
            frames.lru().markLazyFree(pfn);
        }
        mlockIfNeeded(pfn, area);
    }

    /**
     * An anonymous page is being mapped once more: swapped in, or by fork. Exclusive only if the caller says so; then
     * nothing else maps it, the caller has it locked, and its place is this one: UFFDIO_MOVE may have moved its swap
     * entry while it stayed in the swap cache ({@code UserfaultMoveRaceTest}: a page in the swap cache).
     */
    @KernelFunction("folio_add_anon_rmap_pte")
    @RequiresLock("PAGE_TABLE_LOCK")
    public void addAnon(long pfn, Vma area, long index, boolean exclusive) {
        if (exclusive || !frames.test(pfn, PageFlags.ANON)) {
            frames.setIndex(pfn, index);
            frames.setMapping(pfn, area.anonVma());
        }
        if (!frames.test(pfn, PageFlags.SWAPBACKED)) {
            frames.lru().setSwapBacked(pfn);
        }
        frames.set(pfn, exclusive ? NEW_ANON : NEW_ANON & ~PageFlags.ANON_EXCLUSIVE);
        frames.incMapcount(pfn);
        mlockIfNeeded(pfn, area);
    }

    /** An anonymous page, locked and its mapper's own, gets another place: {@code area}'s page {@code index}. */
    @KernelFunction("folio_move_anon_rmap")
    @RequiresLock({"PAGE_LOCK", "PAGE_TABLE_LOCK"})
    public void moveAnon(long pfn, Vma area, long index) {
        frames.setMapping(pfn, area.anonVma());
        frames.setIndex(pfn, index);
    }

    /** A page that stands for many of equal content is being mapped in {@code area}. */
    @RequiresLock("PAGE_TABLE_LOCK")
    public void addKsm(long pfn, Vma area) {
        frames.incMapcount(pfn);
        mlockIfNeeded(pfn, area);
    }

    /** A file's page is being mapped in {@code area}. */
    @KernelFunction("folio_add_file_rmap_pte")
    @RequiresLock("PAGE_TABLE_LOCK")
    public void addFile(long pfn, Vma area) {
        frames.incMapcount(pfn);
        mlockIfNeeded(pfn, area);
    }

    @KernelFunction("mlock_vma_folio")
    private void mlockIfNeeded(long pfn, Vma area) {
        if ((area.flags() & VmFlags.LOCKED) != 0) {
            frames.lru().mlock(frames.head(pfn));
        }
    }

    /** One entry of {@code area} that mapped the page is gone; what it knew of dirt has been passed on. */
    @RequiresLock("PAGE_TABLE_LOCK")
    public void remove(long pfn, Vma area) {
        remove(pfn, area, false);
    }

    /**
     * As {@link #remove(long, Vma)}. @param exclusive that was the only entry, and only the lock's holder can make
     * another
     */
    @KernelFunction("folio_remove_rmap_pte")
    @RequiresLock("PAGE_TABLE_LOCK")
    public void remove(long pfn, Vma area, boolean exclusive) {
        if (!exclusive || !frames.dropOnlyMapping(pfn)) {
            frames.decMapcount(pfn);
        }
        if ((area.flags() & VmFlags.LOCKED) != 0) {
            frames.lru().munlock(frames.head(pfn));
        }
    }
}
