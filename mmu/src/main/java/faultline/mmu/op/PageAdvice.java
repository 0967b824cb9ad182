package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.MappedFile;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.swap.Reclaimer;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;
import faultline.mmu.tlb.MmuGather;

/** Advice about the pages of one part of one mapping. Preconditions: the mmap lock is held shared. */
final class PageAdvice {
    /** Mappings whose pages are on no list of reclaim. */
    private static final long NOT_RECLAIMED = VmFlags.PFNMAP | VmFlags.LOCKED | VmFlags.HUGETLB;

    private final OpEnv env;
    private final Vma vma;
    private final long start;
    private final long end;

    PageAdvice(OpEnv env, Vma vma, long start, long end) {
        this.env = env;
        this.vma = vma;
        this.start = start;
        this.end = end;
    }

    /** Whether the advice throws pages away. */
    static boolean takesAway(int advice) {
        return switch (advice) {
            case Madv.DONTNEED, Madv.DONTNEED_LOCKED, Madv.FREE, Madv.REMOVE -> true;
            default -> false;
        };
    }

    /** Whether the mapping can take the advice at all. @return 0 or -errno */
    @KernelFunction(value = "madvise_dontneed_free_valid_vma", file = "mm/madvise.c")
    @RequiresLock("MMAP_LOCK:read")
    long check(int advice) {
        boolean refused =
                switch (advice) {
                    case Madv.DONTNEED_LOCKED -> vma.hasAny(VmFlags.PFNMAP) || cutsHugePage();
                    case Madv.DONTNEED -> vma.hasAny(VmFlags.PFNMAP | VmFlags.LOCKED) || cutsHugePage();
                    case Madv.COLD, Madv.PAGEOUT -> vma.hasAny(NOT_RECLAIMED);
                    case Madv.FREE -> vma.hasAny(VmFlags.PFNMAP | VmFlags.LOCKED) || !vma.isAnonymous();
                    case Madv.REMOVE ->
                        vma.hasAny(VmFlags.LOCKED | VmFlags.NONLINEAR)
                                || vma.file() == null
                                || vma.file().mapping() == null;
                    default -> false;
                };
        if (refused) {
            return -Errno.EINVAL;
        }
        return advice == Madv.REMOVE && !VmFlags.isSharedMayWrite(vma.flags()) ? -Errno.EACCES : 0;
    }

    private boolean cutsHugePage() {
        return vma.has(VmFlags.HUGETLB) && (start & vma.ops().pageSize() - 1) != 0;
    }

    /** Follows advice that {@link #check} has nothing against. @return 0 or -errno */
    @RequiresLock("MMAP_LOCK:read")
    long apply(int advice) {
        return switch (advice) {
            case Madv.WILLNEED -> willNeed();
            case Madv.DONTNEED, Madv.DONTNEED_LOCKED -> dontNeed();
            case Madv.FREE -> free();
            case Madv.COLD -> cold();
            case Madv.PAGEOUT -> pageOut();
            case Madv.GUARD_INSTALL -> new GuardPages(env, vma).install(start, end);
            case Madv.GUARD_REMOVE -> new GuardPages(env, vma).remove(start, end);
            default -> throw new IllegalStateException("advice " + advice);
        };
    }

    /** Brings pages of a file into the cache, without entering them into page tables. */
    @KernelFunction(value = "madvise_willneed", file = "mm/madvise.c")
    private long willNeed() {
        if (vma.file() == null || vma.file().mapping() == null || vma.has(VmFlags.HUGETLB)) {
            return 0;
        }
        AddressSpace mapping = vma.file().mapping();
        long last = Math.min(vma.pageIndex(end), mapping.sizePages());
        for (long index = vma.pageIndex(start); index < last; index++) {
            // of a memory file only what it holds is wanted: holes stay holes
            if (!mapping.isCached(index) && (!mapping.isTmpfs() || mapping.holdsPage(index))) {
                long page = mapping.readPage(index, true, !mapping.isTmpfs());
                if (page < 0) {
                    return 0; // advice only: whoever touches the page meets the error
                }
                env.cache().allocator().putPage(page & ~AddressSpace.WAS_READ);
            }
        }
        return 0;
    }

    @KernelFunction(value = "madvise_dontneed_single_vma", file = "mm/madvise.c")
    private long dontNeed() {
        // Callers need not know that pages are huge: what they do not name as a whole stays.
        long to = vma.has(VmFlags.HUGETLB) ? end & -vma.ops().pageSize() : end;
        MmuGather gather = env.gather(vma.mm(), false);
        vma.mm().updateHiwaterRss();
        env.zap.discardPages(vma.mm(), vma, start, to, gather);
        env.finish(gather);
        return 0;
    }

    @KernelFunction(value = "madvise_free_single_vma", file = "mm/madvise.c")
    private long free() {
        MmuGather gather = env.gather(vma.mm(), false);
        new FreeWalk(env.tables, vma.mm(), gather).walk(vma.mm(), start, end);
        env.finish(gather);
        return 0;
    }

    /** Pages count as unused until touched again: first to go when memory is short. */
    @KernelFunction(value = "madvise_cold_or_pageout_pte_range", file = "mm/madvise.c")
    private long cold() {
        MmuGather gather = env.gather(vma.mm(), false);
        new ColdWalk(env.tables, vma.mm(), gather).walk(vma.mm(), start, end);
        env.finish(gather);
        return 0;
    }

    /**
     * Pages go at once, to their file or to swap: first they count as unused, then each is given to the reclaimer.
     * Pages that others map too stay, and so does what has no swap to go to.
     */
    @KernelFunction(value = "madvise_pageout", file = "mm/madvise.c")
    private long pageOut() {
        PageoutWalk walk = new PageoutWalk(env.tables);
        // A table's worth at a time, its frames pinned: they are reclaimed with no lock of the page tables held.
        for (long at = start; at < end; ) {
            long next = Math.min(end, (at & -MmLayout.PMD_SIZE) + MmLayout.PMD_SIZE);
            walk.walk(vma.mm(), at, next);
            walk.reclaimAll(env.reclaimer);
            at = next;
        }
        return 0;
    }

    /** The part of the object behind the mapping, to be emptied after the mmap lock has been let go. */
    Hole hole() {
        vma.file().get();
        return new Hole(vma.file(), vma.pageIndex(start), end - start >>> MmLayout.PAGE_SHIFT);
    }

    /** Pages of a file, with a reference on it. */
    record Hole(MappedFile file, long first, long count) {
        /** @return 0, or -errno; -EOPNOTSUPP where the file's store knows no holes */
        long punch() {
            try {
                return file.mapping().punchHole(first, count);
            } finally {
                file.put();
            }
        }
    }

    /** Advice that changes entries: on a whole huge page as one, on a part of one after splitting it. */
    private abstract static class AdviceWalk extends PageTableWalk {
        final FrameTable frames;
        final MmuGather gather;
        private final MmStruct mm;
        private final PtlGuard guard = new PtlGuard();

        AdviceWalk(PageTables tables, MmStruct mm, MmuGather gather) {
            super(tables);
            this.frames = tables.memory().frames();
            this.mm = mm;
            this.gather = gather;
        }

        @Override
        protected final boolean splitsHuge(long addr, long end) {
            return end - addr != MmLayout.PMD_SIZE;
        }

        @Override
        protected final void huge(long pmdEntry, long addr, long end) {
            if (!tables.huge().lock(mm, pmdEntry, guard)) {
                walk(mm, addr, end); // split meanwhile
                return;
            }
            entry(pmdEntry, addr, MmLayout.PMD_SIZE);
            guard.close();
        }

        @Override
        protected final void table(long pte, long addr, long end) {
            long at = pte;
            for (long a = addr; a < end; a += MmLayout.PAGE_SIZE, at += 8) {
                entry(at, a, MmLayout.PAGE_SIZE);
            }
        }

        private void entry(long at, long addr, long bytes) {
            long entry = phys.getLong(at);
            if (Pte.isPresent(entry) && !Pte.isSpecial(entry) && frames.mapcount(Pte.pfn(entry)) == 1) {
                page(at, entry, addr, bytes);
            }
        }

        /** A page that nobody else maps, by its entry, whose lock is held. */
        abstract void page(long at, long entry, long addr, long bytes);
    }

    /** Makes anonymous pages droppable: clean, old, and not worth swapping, until they are written again. */
    @KernelFunction(value = "madvise_free_pte_range", file = "mm/madvise.c")
    private static final class FreeWalk extends AdviceWalk {
        FreeWalk(PageTables tables, MmStruct mm, MmuGather gather) {
            super(tables, mm, gather);
        }

        @Override
        void page(long at, long entry, long addr, long bytes) {
            long pfn = Pte.pfn(entry);
            if (!frames.test(pfn, PageFlags.ANON)) {
                return;
            }
            if (Pte.isYoung(entry) || Pte.isDirty(entry)) {
                phys.getAndAndLong(at, ~(Pte.ACCESSED | Pte.DIRTY));
                gather.flushLater(addr, bytes);
            }
            frames.clear(pfn, PageFlags.DIRTY);
            frames.lru().markLazyFree(frames.head(pfn));
        }
    }

    /** Collects the frames that only this mapping has, with a reference on each. */
    private static final class PageoutWalk extends PageTableWalk {
        private final FrameTable frames;
        private final long[] found = new long[(int) (MmLayout.PMD_SIZE / MmLayout.PAGE_SIZE)];
        private int count;

        PageoutWalk(PageTables tables) {
            super(tables);
            this.frames = tables.memory().frames();
        }

        /** Swap takes single pages. */
        @Override
        protected boolean splitsHuge(long addr, long end) {
            return true;
        }

        @Override
        @KernelFunction(value = "madvise_cold_or_pageout_pte_range", file = "mm/madvise.c")
        protected void table(long pte, long addr, long end) {
            long at = pte;
            for (long a = addr; a < end; a += MmLayout.PAGE_SIZE, at += 8) {
                long entry = phys.getLong(at);
                if (!Pte.isPresent(entry) || Pte.isSpecial(entry)) {
                    continue;
                }
                long pfn = Pte.pfn(entry);
                if (frames.isValid(pfn) && !frames.test(pfn, PageFlags.RESERVED) && frames.mapcount(pfn) == 1) {
                    frames.get(pfn);
                    found[count++] = pfn;
                }
            }
        }

        void reclaimAll(Reclaimer reclaimer) {
            for (int i = 0; i < count; i++) {
                reclaimer.pageOut(found[i]);
            }
            count = 0;
        }
    }

    private static final class ColdWalk extends AdviceWalk {
        ColdWalk(PageTables tables, MmStruct mm, MmuGather gather) {
            super(tables, mm, gather);
        }

        @Override
        void page(long at, long entry, long addr, long bytes) {
            if (tables.ptepTestAndClearYoung(at)) {
                gather.flushLater(addr, bytes);
            }
            frames.lru().deactivate(frames.head(Pte.pfn(entry)));
        }
    }
}
