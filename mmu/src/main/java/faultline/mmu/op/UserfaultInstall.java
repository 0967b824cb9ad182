package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;

/** Enters what user space provides into page tables, where nothing is yet. For one call of one thread. */
final class UserfaultInstall {
    private final OpEnv env;
    private final MmStruct mm;
    private final PtlGuard guard = new PtlGuard();

    UserfaultInstall(OpEnv env, MmStruct mm) {
        this.env = env;
        this.mm = mm;
    }

    /** What may stand where something is to be entered. */
    private interface Room {
        boolean isIn(long entry);
    }

    /**
     * Enters a frame, whose reference the entry takes over.
     *
     * @param cached whether it is a page of the mapping's object, which the caller has locked; else it is new
     * @param wp write-protected for user space
     * @return 0, -EEXIST, -EFAULT (the object is shorter), -ENOMEM
     */
    @KernelFunction(value = "mfill_atomic_install_pte", file = "mm/userfaultfd.c")
    @RequiresLock("MMAP_LOCK:read")
    long frame(Vma vma, long address, long pfn, boolean cached, boolean wp) {
        if (!cached && Rmap.prepare(vma) == null) {
            return -Errno.ENOMEM;
        }
        long pte = lock(address, entry -> Pte.isVacant(entry) || Pte.isPoisoned(entry));
        if (pte < 0) {
            return pte;
        }
        if (isBeyondEnd(vma, address)) {
            env.tables.pteUnmapUnlock(pte, guard);
            return -Errno.EFAULT;
        }
        long index = vma.pageIndex(address);
        if (cached) {
            mm.addRss(MmStruct.SHMEMPAGES, 1);
            env.faultEnv.rmap().addFile(pfn, vma);
        } else {
            mm.addRss(MmStruct.ANONPAGES, 1);
            env.faultEnv.rmap().addNewAnon(pfn, vma, index);
        }
        long entry = Pte.mkYoung(Pte.mkDirty(Pte.of(pfn, vma.pageProt())));
        if (vma.has(VmFlags.WRITE) && (!cached || vma.has(VmFlags.SHARED))) {
            entry = Pte.mkWrite(entry);
        }
        env.tables.setPte(pte, wp ? Pte.mkUffdWp(entry) : entry);
        env.tables.pteUnmapUnlock(pte, guard);
        return 0;
    }

    /** Enters the frame of zeros, which is not counted. @return as {@link #frame} */
    @KernelFunction(value = "mfill_atomic_pte_zeropage", file = "mm/userfaultfd.c")
    @RequiresLock("MMAP_LOCK:read")
    long zeroPage(Vma vma, long address) {
        return enter(vma, address, Pte.mkSpecial(Pte.of(env.faultEnv.zeroPfn(), vma.pageProt())));
    }

    /** Makes touching the page an error. @return as {@link #frame} */
    @KernelFunction(value = "mfill_atomic_pte_poison", file = "mm/userfaultfd.c")
    @RequiresLock("MMAP_LOCK:read")
    long poison(Vma vma, long address) {
        return enter(vma, address, Pte.marker(Pte.MARKER_POISONED));
    }

    private long enter(Vma vma, long address, long entry) {
        long pte = lock(address, Pte::isNone);
        if (pte < 0) {
            return pte;
        }
        boolean beyond = isBeyondEnd(vma, address);
        if (!beyond) {
            env.tables.setPte(pte, entry);
        }
        env.tables.pteUnmapUnlock(pte, guard);
        return beyond ? -Errno.EFAULT : 0;
    }

    @KernelFunction(value = "mfill_file_over_size", file = "mm/userfaultfd.c")
    private static boolean isBeyondEnd(Vma vma, long address) {
        return vma.file() != null
                && vma.pageIndex(address) >= vma.file().mapping().sizePages();
    }

    /** The address of the entry, its lock held in {@link #guard}; -EEXIST when there is no room; -ENOMEM. */
    private long lock(long address, Room room) {
        long pudEntry = env.tables.pudAlloc(mm, env.tables.pgdOffset(mm.pgd(), address), address);
        long pmdEntry = pudEntry < 0 ? -1 : env.tables.pmdAlloc(mm, pudEntry, address);
        long pte = pmdEntry < 0 ? -1 : env.tables.pteAllocMapLock(mm, pmdEntry, address, guard);
        if (pte < 0) {
            return pte == PageTables.HUGE ? -Errno.EEXIST : -Errno.ENOMEM;
        }
        if (room.isIn(env.tables.memory().getLong(pte))) {
            return pte;
        }
        env.tables.pteUnmapUnlock(pte, guard);
        return -Errno.EEXIST;
    }
}
