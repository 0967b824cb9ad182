package faultline.mmu.ksm;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultEnv;
import faultline.mmu.fault.Unshare;
import faultline.mmu.file.PageCache;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;

/**
 * Makes places share a page, and not share it.
 *
 * <p>A page is compared only when it cannot change: its entry has been made read-only, no processor remembers that it
 * was not, and nobody but page tables refers to it, who might write it without asking them. All of this is seen under
 * the page-table lock, and the entry is replaced before that is let go. A task that stores meanwhile faults, waits for
 * the lock, and finds the shared page, which it copies: see {@code KsmRaceTest}.
 *
 * <p>Used by the scanner, under the KSM lock. Locks are tried, and a place that is busy is left for the next pass: the
 * scanner may run where it must not wait.
 */
final class KsmMerge {
    private final PhysicalMemory phys;
    private final FrameTable frames;
    private final FaultEnv env;
    private final PageCache cache;
    private final PageTables tables;
    private final KsmPages pages;
    private final Unshare unshare;
    private final PtlGuard guard = new PtlGuard();

    KsmMerge(FaultEnv env, KsmPages pages) {
        this.env = env;
        this.cache = env.cache();
        this.phys = cache.phys();
        this.frames = cache.frames();
        this.tables = env.tables();
        this.pages = pages;
        this.unshare = new Unshare(env);
    }

    /** Whether pages of a mapping may be shared at all, as far as its flags say. */
    @KernelFunction(value = "vma_ksm_compatible", file = "mm/ksm.c")
    static boolean isCompatible(long flags) {
        return (flags & (VmFlags.SHARED | VmFlags.MAYSHARE | VmFlags.SPECIAL | VmFlags.HUGETLB | VmFlags.DROPPABLE))
                == 0;
    }

    /** Whether the scanner looks at the mapping. */
    static boolean isMergeable(Vma area) {
        return area.has(VmFlags.MERGEABLE) && area.anonVma() != null;
    }

    void put(long pfn) {
        cache.allocator().putPage(pfn);
    }

    // ---- finding

    /** The anonymous page at an address, with a reference to it; -1 for none. */
    @KernelFunction(value = "get_mergeable_page", file = "mm/ksm.c")
    @RequiresLock("MMAP_LOCK:read")
    long find(Vma area, long address) {
        long pmdEntry = tables.walkToPmd(area.mm().pgd(), address);
        if (pmdEntry < 0 || Pte.isNone(phys.getLongAcquire(pmdEntry))) {
            return -1;
        }
        long pte = tables.pteOffsetMapLock(area.mm(), pmdEntry, address, guard);
        boolean huge = pte == PageTables.HUGE && tables.huge().lock(area.mm(), pmdEntry, guard);
        if (pte < 0 && !huge) {
            return -1;
        }
        long entry = phys.getLong(huge ? pmdEntry : pte);
        long found = -1;
        if (Pte.isPresent(entry) && !Pte.isSpecial(entry) && frames.isValid(Pte.pfn(entry))) {
            long pfn = Pte.pfn(entry) + (huge ? Page.offsetInPmd(address) >>> Page.SHIFT : 0);
            if (frames.test(frames.head(pfn), PageFlags.ANON)) {
                frames.get(pfn);
                found = pfn;
            }
        }
        guard.close();
        return found;
    }

    /** The next address behind one without a page that may have one. */
    @RequiresLock("MMAP_LOCK:read")
    long behind(MmStruct mm, long address) {
        long pmdEntry = tables.walkToPmd(mm.pgd(), address);
        boolean table = pmdEntry >= 0 && !Pte.isNone(phys.getLongAcquire(pmdEntry));
        return table ? address + Page.SIZE : (address & Page.PMD_MASK) + Page.PMD_SIZE;
    }

    // ---- sharing

    /**
     * Makes the page at an item's place a shared one.
     *
     * @param target what it is to be if its content is the same, its frame referenced by the caller; null: itself,
     *     whatever it holds
     * @return what it is now; null when it could not be
     */
    @KernelFunction(value = "try_to_merge_with_ksm_page", file = "mm/ksm.c")
    @RequiresLock("KSM_LOCK")
    StableNode share(RmapItem item, StableNode target) {
        MmStruct mm = item.slot.mm;
        if (!mm.mmapLock().tryReadLock()) {
            return null;
        }
        try {
            Vma area = mm.isRetired() ? null : mm.vmas().lookup(item.address);
            if (area == null || !isMergeable(area)) {
                return null;
            }
            long pfn = findSingle(area, item.address);
            if (pfn < 0) {
                return null;
            }
            StableNode now = shareFound(area, item.address, pfn, target);
            put(pfn);
            return now;
        } finally {
            mm.mmapLock().readUnlock();
        }
    }

    /** As {@link #find}; of a huge page single ones are made first, if nobody else has it. */
    private long findSingle(Vma area, long address) {
        long pfn = find(area, address);
        if (pfn >= 0 && frames.test(pfn, PageFlags.HEAD | PageFlags.TAIL)) {
            put(pfn);
            tables.huge().split(area.mm(), tables.walkToPmd(area.mm().pgd(), address));
            pfn = find(area, address);
            if (pfn >= 0 && frames.test(pfn, PageFlags.HEAD | PageFlags.TAIL)) {
                put(pfn);
                return -1;
            }
        }
        return pfn;
    }

    private StableNode shareFound(Vma area, long address, long pfn, StableNode target) {
        StableNode node = pages.nodeOf(pfn);
        if (node != null && (target == null || node == target)) {
            return node;
        }
        if (!cache.tryLockPage(pfn)) {
            return null;
        }
        // Reclaim looks at none that it does not get hold of; it puts back what it has in hand.
        boolean isolated = node != null || frames.lru().isolate(pfn);
        StableNode now = null;
        if (isolated && (!frames.test(pfn, PageFlags.SWAPCACHE) || env.swap().tryToFree(pfn))) {
            now = shareLocked(area, address, pfn, target);
        }
        if (isolated && node == null && (now == null || now == target)) {
            frames.lru().putBack(new long[] {pfn}, 1);
        }
        cache.unlockPage(pfn);
        return now;
    }

    @KernelFunction(value = "try_to_merge_one_page", file = "mm/ksm.c")
    @RequiresLock("PAGE_LOCK")
    private StableNode shareLocked(Vma area, long address, long pfn, StableNode target) {
        long pte = tables.pteOffsetMapLock(area.mm(), tables.walkToPmd(area.mm().pgd(), address), address, guard);
        if (pte < 0) {
            return null;
        }
        StableNode now = null;
        boolean replaced = false;
        if (writeProtect(area, address, pfn, pte)) {
            replaced = target != null && pages.areIdentical(pfn, target.pfn);
            if (replaced) {
                replace(area, address, pfn, pte, target.pfn);
            }
            now = replaced ? target : target == null ? pages.make(pfn) : null;
        }
        tables.pteUnmapUnlock(pte, guard);
        if (replaced) {
            put(pfn); // the reference of the entry that is gone
        }
        return now;
    }

    /**
     * Sees to it that nobody can write the page any more. When that is in vain the entry stays read-only: the next
     * store makes it writable again.
     */
    @KernelFunction(value = "write_protect_page", file = "mm/ksm.c")
    @RequiresLock("PAGE_TABLE_LOCK")
    private boolean writeProtect(Vma area, long address, long pfn, long pte) {
        long entry = phys.getLong(pte);
        if (!Pte.isPresent(entry) || Pte.pfn(entry) != pfn || Pte.isUffdWp(entry)) {
            return false;
        }
        if (Pte.isWrite(entry)) {
            phys.getAndAndLong(pte, ~Pte.RW);
            area.mm().tlb().flushPage(address);
        }
        // Besides the entries it is we who refer to it.
        return frames.refcount(pfn) == frames.mapcount(pfn) + 1;
    }

    @KernelFunction(value = "replace_page", file = "mm/ksm.c")
    @RequiresLock("PAGE_TABLE_LOCK")
    private void replace(Vma area, long address, long pfn, long pte, long shared) {
        frames.get(shared);
        env.rmap().addKsm(shared, area);
        long old = phys.getAndSetLong(pte, 0);
        area.mm().tlb().flushPage(address);
        tables.setPte(pte, Pte.mkClean(Pte.of(shared, old & ~Pte.PFN_MASK)));
        env.rmap().remove(pfn, area);
    }

    // ---- ending it

    /** Gives an item's place a page of its own again, as far as it is shared. */
    @KernelFunction(value = "break_cow", file = "mm/ksm.c")
    @RequiresLock("KSM_LOCK")
    void breakCow(RmapItem item) {
        MmStruct mm = item.slot.mm;
        if (mm.mmapLock().tryReadLock()) {
            Vma area = mm.isRetired() ? null : mm.vmas().lookup(item.address);
            if (area != null && isMergeable(area)) {
                unshare.run(area, item.address, guard);
            }
            mm.mmapLock().readUnlock();
        }
    }
}
