package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Thp;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.rmap.AnonVma;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.table.HugePmd;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.tlb.MmuGather;

/**
 * Makes one huge page of 2 MiB of small ones: MADV_COLLAPSE of anonymous memory.
 *
 * <p>With the mmap lock held alone nobody faults, and with the family's lock no reverse-map walk comes here. So the
 * entry may be none for a moment: the table is taken out, translations are flushed, and only then is copied, since
 * until then a program could still write to the small pages. The table stays, laid by for the huge page.
 *
 * <p>A page that somebody else refers to, pinned for I/O or on its way to swap, makes it fail with EAGAIN and
 * everything as it was.
 */
@KernelFunction(value = "madvise_collapse", file = "mm/khugepaged.c")
final class Collapse {
    private final OpEnv env;
    private final PageTables tables;
    private final PhysicalMemory phys;
    private final FrameTable frames;
    private final Vma vma;
    private final MmStruct mm;

    Collapse(OpEnv env, Vma vma) {
        this.env = env;
        this.tables = env.tables;
        this.phys = tables.memory();
        this.frames = phys.frames();
        this.vma = vma;
        this.mm = vma.mm();
    }

    /**
     * Collapses each whole 2 MiB of a part of the mapping.
     *
     * @return 0 when all are huge pages now; else -errno of the last that is not: -EINVAL (not allowed, or nothing
     *     there), -ENOMEM, -EAGAIN
     */
    @RequiresLock("MMAP_LOCK")
    long run(long start, long end) {
        long first = start + MmLayout.PMD_SIZE - 1 & -MmLayout.PMD_SIZE;
        long last = end & -MmLayout.PMD_SIZE;
        // A mapping in which no huge page fits at all is refused even if it is asked for none.
        boolean fits = Thp.isSuitable(vma, vma.end() - MmLayout.PMD_SIZE);
        if (!fits || !Thp.isPossible(vma) || last < first || vma.anonVma() == null) {
            return -Errno.EINVAL;
        }
        long result = 0;
        for (long at = first; at < last; at += MmLayout.PMD_SIZE) {
            long error = collapse(at);
            result = error != 0 ? error : result;
        }
        return result;
    }

    @KernelFunction(value = "collapse_huge_page", file = "mm/khugepaged.c")
    private long collapse(long at) {
        long pmdEntry = tables.walkToPmd(mm.pgd(), at);
        if (pmdEntry < 0 || Pte.isNone(phys.getLong(pmdEntry))) {
            return -Errno.EINVAL;
        }
        if (Pte.isHuge(phys.getLong(pmdEntry))) {
            return 0;
        }
        long head = phys.allocator().allocZeroedCompound(HugePmd.ORDER);
        if (head < 0) {
            // Each block may be short of nothing but frames that were freed a moment ago and wait in caches.
            phys.allocator().drainCaches();
            head = phys.allocator().allocZeroedCompound(HugePmd.ORDER);
        }
        head = env.faultEnv.cache().memCgroups().chargedHuge(mm.memCgroup(), head, HugePmd.FRAMES);
        if (head < 0) {
            return -Errno.ENOMEM;
        }
        MmuGather gather = env.gather(mm, false);
        AnonVma family = (AnonVma) vma.anonVma();
        family.lock().lock();
        var lock = tables.pmdLockptr(mm, pmdEntry);
        lock.lock();
        long table = Pte.address(phys.getLong(pmdEntry));
        long error = check(table);
        if (error == 0) {
            tables.setPte(pmdEntry, 0);
            mm.tlb().flushRange(at, at + MmLayout.PMD_SIZE);
            take(table, head, at, gather);
            tables.huge().deposit(pmdEntry, Page.pfn(table));
            frames.set(head, Rmap.NEW_ANON);
            frames.lru().add(head);
            env.faultEnv.rmap().addNewAnon(head, vma, vma.pageIndex(at));
            tables.setPte(pmdEntry, entryOf(head));
        }
        lock.unlock();
        family.lock().unlock();
        env.finish(gather);
        if (error != 0) {
            phys.allocator().putPage(head);
        }
        return error;
    }

    private long entryOf(long head) {
        long entry = Pte.mkDirty(Pte.mkYoung(Pte.mkHuge(Pte.of(head, vma.pageProt()))));
        return vma.has(VmFlags.WRITE) ? Pte.mkWrite(entry) : entry;
    }

    /** Whether every entry is empty, zeros, or a page that only page tables refer to. */
    @KernelFunction(value = "__collapse_huge_page_isolate", file = "mm/khugepaged.c")
    @RequiresLock("PAGE_TABLE_LOCK")
    private long check(long table) {
        long sole = -1;
        for (int i = 0; i < HugePmd.FRAMES; i++) {
            long entry = phys.getLong(table + 8L * i);
            if (Pte.isNone(entry) || Pte.isPresent(entry) && Pte.isSpecial(entry)) {
                continue;
            }
            if (!Pte.isPresent(entry)) {
                return Pte.isSwap(entry) && !Pte.isMarker(entry) ? -Errno.EAGAIN : -Errno.EINVAL;
            }
            long head = frames.head(Pte.pfn(entry));
            if (head != sole && !isMappedOnly(head)) {
                return -Errno.EAGAIN;
            }
            sole = head;
        }
        return 0;
    }

    private boolean isMappedOnly(long head) {
        int maps = 0;
        for (long pfn = head; pfn < head + (1L << frames.order(head)); pfn++) {
            maps += frames.mapcount(pfn);
        }
        return frames.test(head, PageFlags.ANON) && frames.refcount(head) == maps;
    }

    /** Copies the pages into the huge one and lets go of them; the table is left empty. */
    @KernelFunction(value = "__collapse_huge_page_copy", file = "mm/khugepaged.c")
    @RequiresLock("PAGE_TABLE_LOCK")
    private void take(long table, long head, long at, MmuGather gather) {
        int present = 0;
        for (int i = 0; i < HugePmd.FRAMES; i++) {
            long entry = phys.getLong(table + 8L * i);
            if (Pte.isPresent(entry) && !Pte.isSpecial(entry)) {
                long pfn = Pte.pfn(entry);
                phys.copy(Page.address(pfn), Page.address(head + i), Page.SIZE);
                env.faultEnv.rmap().remove(pfn, vma);
                gather.removePage(pfn, at + i * Page.SIZE);
                present++;
            }
            tables.setPte(table + 8L * i, 0);
            env.cache().instructionCache().flushFrame(head + i);
        }
        mm.addRss(MmStruct.ANONPAGES, HugePmd.FRAMES - present);
    }
}
