package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.Userfault;
import faultline.mmu.fault.UserfaultEvents;
import faultline.mmu.fault.UserfaultFeatures;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;

/** The memory half of fork(2). */
public final class Fork {
    private final OpEnv env;

    /** The operation, on the address spaces of one machine. */
    public Fork(OpEnv env) {
        this.env = env;
    }

    /**
     * Fills {@code child}, which is empty and known to nobody, with copies of all mappings of {@code parent}; their
     * pages are shared until one side writes. On an error the child holds what was copied: the caller tears it down.
     *
     * @param ctx the forking task's cursor
     * @return 0 or -ENOMEM
     */
    @KernelFunction(value = "dup_mmap", file = "mm/mmap.c")
    public int dupMmap(MmStruct child, MmStruct parent, FaultContext ctx) {
        UserfaultEvents events = new UserfaultEvents();
        int error = 0;
        parent.mmapLock().writeLock();
        child.mmapLock().writeLock();
        try {
            child.copyLayout(parent);
            env.ksm.fork(child, parent);
            for (Vma v = parent.vmas().first(); v != null && error == 0; v = v.next()) {
                error = copy(child, v, ctx, events);
            }
            // Writable entries of the parent have become read-only: no translation may remember them as writable.
            parent.tlb().flushAll();
        } finally {
            child.mmapLock().writeUnlock();
            parent.mmapLock().writeUnlock();
        }
        events.tell(error == 0 ? ctx.sleeper : null);
        return error;
    }

    @RequiresLock("MMAP_LOCK")
    private int copy(MmStruct child, Vma v, FaultContext ctx, UserfaultEvents events) {
        if (v.has(VmFlags.DONTCOPY)) {
            return 0;
        }
        long charge = v.has(VmFlags.ACCOUNT) ? v.pages() : 0;
        if (charge != 0 && child.commit().charge(charge) != 0) {
            return -Errno.ENOMEM;
        }
        Vma copy = VmaSplit.duplicate(v, child, v.start(), v.end(), v.pgoff());
        if (copy == null) {
            child.commit().uncharge(charge);
            return -Errno.ENOMEM;
        }
        boolean wiped = v.has(VmFlags.WIPEONFORK);
        boolean registered = UserfaultEvents.wants(v, UserfaultFeatures.EVENT_FORK);
        copy.setFlags(copy.flags() & ~(registered ? VmFlags.LOCKED_MASK : VmFlags.LOCKED_MASK | VmFlags.UFFD_ANY));
        copy.setUserfault(registered ? events.forked((Userfault) v.userfault(), child) : null);
        if (v.anonVma() != null && !wiped) {
            copy.setForkChild();
            copy.setAnonVma(v.anonVma());
        }
        VmaFile.get(copy);
        child.vmas().insert(copy);
        VmaRelink.link(copy);
        child.account(copy.flags(), copy.pages());
        return wiped ? 0 : env.forkCopy.copyPageRange(copy, v, ctx);
    }
}
