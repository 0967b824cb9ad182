package faultline.mmu.op;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.tlb.MmuGather;

/** Tears an address space down when its last user has left, or empties it for a new program. */
public final class ExitMmap {
    private final OpEnv env;

    /** The operation, on the address spaces of one machine. */
    public ExitMmap(OpEnv env) {
        this.env = env;
    }

    /** Removes all mappings, pages and page tables, and the root; the address space is not usable afterwards. */
    @KernelFunction(value = "exit_mmap", file = "mm/mmap.c")
    public void run(MmStruct mm) {
        mm.mmapLock().writeLock();
        try {
            mm.retire();
            env.ksm.exit(mm);
            clear(mm);
        } finally {
            mm.mmapLock().writeUnlock();
        }
        env.tables.freePgd(mm.pgd());
    }

    private void clear(MmStruct mm) {
        Vma first = mm.vmas().first();
        if (first == null) {
            return;
        }
        mm.updateHiwaterRss();
        MmuGather gather = env.gather(mm, true);
        for (Vma v = first; v != null; v = v.next()) {
            env.zap.zapPageRange(mm, v, v.start(), v.end(), gather);
        }
        for (Vma v = first; v != null; v = v.next()) {
            VmaRelink.unlink(v);
        }
        env.reaper.freePgtables(mm, gather, first.start(), mm.vmas().last().end(), 0, 0);
        env.finish(gather);
        long accounted = 0;
        Vma v = first;
        while (v != null) {
            Vma next = v.next();
            if (v.has(VmFlags.ACCOUNT)) {
                accounted += v.pages();
            }
            if (v.has(VmFlags.LOCKED)) {
                mm.addLockedVm(-v.pages());
            }
            mm.vmas().remove(v);
            mm.account(v.flags(), -v.pages());
            VmaFile.put(v);
            v = next;
        }
        mm.commit().uncharge(accounted);
    }
}
