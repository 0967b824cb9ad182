package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;

/**
 * Gives a place a page of its own again where one stands that it shares for its content alone. The copy is the place's
 * own, and is written no sooner than somebody stores to it.
 */
@KernelFunction(value = "break_ksm", file = "mm/ksm.c")
public final class Unshare {
    private final FaultEnv env;

    /** Unsharing in the machine of {@code env}. */
    public Unshare(FaultEnv env) {
        this.env = env;
    }

    /**
     * Does so with the pages from {@code start} to {@code end} of a mapping, as far as they are shared.
     *
     * @return 0 or {@link VmFault#OOM}
     */
    @RequiresLock("MMAP_LOCK:read")
    public int runAll(Vma area, long start, long end) {
        PtlGuard guard = new PtlGuard();
        long pgd = area.mm().pgd();
        int result = 0;
        for (long at = start; at < end && result == 0; ) {
            if (env.tables.walkToPmd(pgd, at) < 0) {
                at = env.behindHole(pgd, at);
            } else {
                result = run(area, at, guard);
                at += Page.SIZE;
            }
        }
        return result;
    }

    /** As {@link #runAll} with one page. @param guard not held */
    @RequiresLock("MMAP_LOCK:read")
    public int run(Vma area, long address, PtlGuard guard) {
        MmStruct mm = area.mm();
        long pmdEntry = env.tables.walkToPmd(mm.pgd(), address);
        long old = pmdEntry < 0 ? -1 : sharedAt(mm, pmdEntry, address, guard);
        if (old < 0) {
            return 0;
        }
        long fresh = env.allocCopy(mm, old);
        if (fresh >= 0) {
            install(area, pmdEntry, address, guard, old, fresh);
        }
        env.allocator.putPage(old);
        return fresh < 0 ? VmFault.OOM : 0;
    }

    /** The shared frame that stands at an address, with a reference to it; -1 for none. */
    private long sharedAt(MmStruct mm, long pmdEntry, long address, PtlGuard guard) {
        long pte = env.tables.pteOffsetMapLock(mm, pmdEntry, address, guard);
        if (pte < 0) {
            return -1;
        }
        long entry = env.phys.getLong(pte);
        long found = -1;
        if (Pte.isPresent(entry) && !Pte.isSpecial(entry) && env.frames.isValid(Pte.pfn(entry))) {
            long pfn = Pte.pfn(entry);
            if (env.frames.test(pfn, PageFlags.KSM)) {
                env.frames.get(pfn);
                found = pfn;
            }
        }
        env.tables.pteUnmapUnlock(pte, guard);
        return found;
    }

    /** Another task may have stored there, or unmapped it, while we copied: then the copy goes back. */
    private void install(Vma area, long pmdEntry, long address, PtlGuard guard, long old, long fresh) {
        MmStruct mm = area.mm();
        long pte = env.tables.pteOffsetMapLock(mm, pmdEntry, address, guard);
        long entry = pte < 0 ? 0 : env.phys.getLong(pte);
        boolean same = Pte.isPresent(entry) && Pte.pfn(entry) == old;
        if (same) {
            entry = env.phys.getAndSetLong(pte, 0);
            mm.tlb().flushPage(address);
            env.rmap.addNewAnon(fresh, area, area.pageIndex(address));
            env.tables.setPte(pte, Pte.of(fresh, entry & ~Pte.PFN_MASK));
            env.rmap.remove(old, area);
        }
        if (pte >= 0) {
            env.tables.pteUnmapUnlock(pte, guard);
        }
        env.allocator.putPage(same ? old : fresh);
    }
}
