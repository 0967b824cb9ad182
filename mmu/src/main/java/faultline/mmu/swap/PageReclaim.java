package faultline.mmu.swap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.PageCache;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.rmap.HugeSplit;
import faultline.mmu.rmap.PageReferenced;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.rmap.TryToUnmap;
import faultline.mmu.table.PageTables;

/**
 * What is done to one page that has come to the end of a list: it is dropped, written, swapped out, or kept.
 *
 * <p>Runs in the thread that wants a frame, at a place where it may hold page locks of its own: so page locks are only
 * tried. Page order: try-lock the page, look at it again, ask and clear its accessed bits, unmap it everywhere, write
 * it, free it. Between the steps whoever wants the page back gets it: it is found in the swap cache, or in its file's,
 * until nobody else refers to it.
 *
 * <p>The page is isolated: on no list, and the caller has a reference. One that stays says by its flags where it wants
 * to go: ACTIVE to the list of pages in use, RECLAIM to the tail of its list, since it has been written and can go next
 * time.
 */
final class PageReclaim {
    private static final int NOT_OURS = PageFlags.RESERVED
            | PageFlags.TABLE
            | PageFlags.KERNEL
            | PageFlags.HEAD
            | PageFlags.TAIL
            | PageFlags.HUGETLB;

    /** What second chance says of a page. */
    private enum Verdict {
        RECLAIM,
        /** As far as that needs no writing. */
        RECLAIM_CLEAN,
        KEEP,
        ACTIVATE
    }

    private final PageCache cache;
    private final FrameTable frames;
    private final PageTables tables;
    private final PageReferenced referenced;
    private final TryToUnmap unmapper;
    private final SwapSpace swap;

    PageReclaim(PageCache cache, PageTables tables, Rmap rmap, SwapSpace swap) {
        this.cache = cache;
        this.frames = cache.frames();
        this.swap = swap;
        this.tables = tables;
        this.referenced = new PageReferenced(tables);
        this.unmapper = new TryToUnmap(tables, rmap, swap);
    }

    /**
     * Looks at one page, and frees it if it can.
     *
     * @param ignoreReferences it goes however recently it was used (MADV_PAGEOUT)
     * @return whether the caller's is the last reference now
     */
    @KernelFunction(value = "shrink_folio_list", file = "mm/vmscan.c")
    boolean run(long pfn, boolean ignoreReferences) {
        if (frames.test(pfn, PageFlags.HEAD)) {
            splitHuge(pfn);
        }
        if (frames.test(pfn, NOT_OURS) || !cache.tryLockPage(pfn)) {
            return false;
        }
        boolean last = false;
        AddressSpace toWrite = null;
        if (isPage(pfn) && !isPinned(pfn)) {
            Verdict verdict = ignoreReferences ? Verdict.RECLAIM : check(pfn);
            if (verdict == Verdict.ACTIVATE) {
                frames.set(pfn, PageFlags.ACTIVE);
            } else if (verdict != Verdict.KEEP) {
                last = drop(pfn);
                boolean writes = !last && verdict == Verdict.RECLAIM && frames.test(pfn, PageFlags.DIRTY);
                toWrite = writes && frames.mapping(pfn) instanceof AddressSpace file && !file.isShmem() ? file : null;
            }
        }
        long index = frames.index(pfn);
        cache.unlockPage(pfn);
        if (toWrite != null) {
            toWrite.launder(index);
            frames.set(pfn, PageFlags.RECLAIM);
        }
        return last;
    }

    /** Of a huge page single ones are made, which come to the end of the list. */
    private void splitHuge(long head) {
        boolean goes = swap.freeSlots() != 0 || !frames.test(head, PageFlags.SWAPBACKED);
        if (goes && frames.test(head, PageFlags.ANON) && cache.tryLockPage(head)) {
            new HugeSplit(tables).split(head);
            cache.unlockPage(head);
        }
    }

    /**
     * Whether it is a file's page or an anonymous one. A frame bears the flags of an anonymous page, and is on a list,
     * from its allocation on, but is one only when its family is set, just before it is mapped ({@code SwapRaceTest}:
     * nothing is lost).
     */
    private boolean isPage(long pfn) {
        return frames.mapping(pfn) != null || frames.test(pfn, PageFlags.SWAPCACHE);
    }

    /** Whether somebody besides page tables, a cache and ourselves refers to the page, and may be at its content. */
    private boolean isPinned(long pfn) {
        boolean cached = frames.test(pfn, PageFlags.SWAPCACHE) || frames.mapping(pfn) instanceof AddressSpace;
        return frames.refcount(pfn) > frames.mapcount(pfn) + (cached ? 2 : 1);
    }

    /** Second chance. */
    @KernelFunction("folio_check_references")
    @RequiresLock("PAGE_LOCK")
    private Verdict check(long pfn) {
        int used = referenced.count(pfn);
        if (used == PageReferenced.LOCKED) {
            return Verdict.KEEP;
        }
        boolean executable = (used & PageReferenced.EXECUTABLE) != 0;
        int mappings = used & ~PageReferenced.EXECUTABLE;
        boolean before = frames.testAndClear(pfn, PageFlags.REFERENCED);
        boolean ofFile = !frames.test(pfn, PageFlags.SWAPBACKED);
        if (mappings > 0) {
            frames.set(pfn, PageFlags.REFERENCED);
            return before || mappings > 1 || executable && ofFile ? Verdict.ACTIVATE : Verdict.KEEP;
        }
        return before && ofFile ? Verdict.RECLAIM_CLEAN : Verdict.RECLAIM;
    }

    /** Whether a page of an active list stays there: code that is in use. Forgets that the page was used. */
    @KernelFunction("shrink_active_list")
    boolean staysActive(long pfn) {
        if (frames.test(pfn, NOT_OURS) || !cache.tryLockPage(pfn)) {
            return false;
        }
        int used = isPage(pfn) ? referenced.count(pfn) : 0;
        cache.unlockPage(pfn);
        boolean code = used != PageReferenced.LOCKED && used > PageReferenced.EXECUTABLE;
        return code && !frames.test(pfn, PageFlags.SWAPBACKED);
    }

    @RequiresLock("PAGE_LOCK")
    private boolean drop(long pfn) {
        return frames.mapping(pfn) instanceof AddressSpace mapping ? dropFilePage(pfn, mapping) : dropAnonPage(pfn);
    }

    @RequiresLock("PAGE_LOCK")
    private boolean dropFilePage(long pfn, AddressSpace mapping) {
        if (!unmapper.tryToUnmap(pfn)) {
            return false;
        }
        boolean toSwap = mapping.isShmem() && frames.test(pfn, PageFlags.DIRTY);
        return toSwap ? swapFilePage(pfn, mapping) : mapping.removeIfUnused(pfn);
    }

    /**
     * Writes a page of a memory file to swap; a clean one has never been written to, and is a hole again without that.
     * No entry maps it: whoever wants it back finds it in the file, locked, until its slot stands there. Without room
     * in swap, or with a new user, it stays dirty, and counts as used, so that it is not tried again at once.
     */
    @KernelFunction(value = "shmem_writeout", file = "mm/shmem.c")
    @RequiresLock("PAGE_LOCK")
    private boolean swapFilePage(long pfn, AddressSpace mapping) {
        // Dirt that comes after this tells that the slot does not hold all.
        mapping.clearPageDirty(pfn);
        long slot = swap.freeSlots() == 0 ? -1 : swap.files().write(pfn);
        if (slot >= 0 && mapping.swapOut(pfn, slot)) {
            return true;
        }
        if (slot >= 0) {
            swap.files().freeSlot(slot);
        }
        mapping.setPageDirty(pfn);
        frames.set(pfn, PageFlags.ACTIVE);
        return false;
    }

    @KernelFunction("pageout")
    @RequiresLock("PAGE_LOCK")
    private boolean dropAnonPage(long pfn) {
        boolean swapped = frames.test(pfn, PageFlags.SWAPBACKED);
        if (!swapped && !frames.test(pfn, PageFlags.SWAPCACHE)) {
            return unmapper.tryToUnmap(pfn) && frames.refcount(pfn) == 1;
        }
        if (!frames.test(pfn, PageFlags.SWAPCACHE) && !swap.add(pfn)) {
            return false;
        }
        if (!unmapper.tryToUnmap(pfn)) {
            swap.tryToFree(pfn);
            return false;
        }
        if (swap.tryToFree(pfn)) {
            // Its last user left meanwhile: there is nothing to keep.
            return frames.refcount(pfn) == 1;
        }
        return swap.write(pfn) == 0 && swap.removeIfUnused(pfn);
    }
}
