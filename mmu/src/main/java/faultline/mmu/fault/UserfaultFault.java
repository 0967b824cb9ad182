package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.table.Pte;

/** The faulting side of userfaultfd: a fault that user space is to resolve. */
final class UserfaultFault {
    private final FaultEnv env;

    UserfaultFault(FaultEnv env) {
        this.env = env;
    }

    /**
     * A touch of a page that is not there ({@code wp} false), or a write to one that is write-protected for user space.
     *
     * @return RETRY with the wait in {@code ctx}, to be slept through without the mmap lock; SIGBUS where waiting is not
     *     possible or not wanted
     */
    @KernelFunction(value = "handle_userfault", file = "fs/userfaultfd.c")
    @RequiresLock("MMAP_LOCK:read")
    int handle(FaultContext ctx, boolean wp) {
        ctx.path = FaultPath.USERFAULT;
        Userfault context = (Userfault) ctx.vma.userfault();
        boolean user = (ctx.flags & FaultFlags.USER) != 0;
        if ((context.features() & Userfault.FEATURE_SIGBUS) != 0
                || context.refusesKernel() && !user
                || !ctx.maySleep
                || ctx.sleeper == null) {
            return VmFault.SIGBUS;
        }
        if (!ctx.mayWait || !ctx.mayBlock || context.isReleased()) {
            return VmFault.RETRY;
        }
        int flags = (ctx.isWrite() ? Userfault.FLAG_WRITE : 0) | (wp ? Userfault.FLAG_WP : 0);
        UserfaultWait wait = new UserfaultWait(ctx.page, flags, ctx.sleeper);
        context.enter(wait);
        if (mustWait(ctx, wp)) {
            ctx.userfault = context;
            ctx.userfaultWait = wait;
        } else {
            context.leave(wait);
        }
        return VmFault.RETRY;
    }

    /** Whether the entry still is as the fault found it: who resolved it meanwhile did not see us in the queue. */
    @KernelFunction(value = "userfaultfd_must_wait", file = "fs/userfaultfd.c")
    private boolean mustWait(FaultContext ctx, boolean wp) {
        long pmd = env.phys.getLongAcquire(ctx.pmdEntry);
        long entry = Pte.isTable(pmd) ? env.phys.getLongAcquire(env.tables.pteOffset(ctx.pmdEntry, ctx.page)) : 0;
        if (wp) {
            return Pte.isPresent(entry) && Pte.isUffdWp(entry);
        }
        return Pte.isNone(entry) && !isCached(ctx.vma, ctx.page);
    }

    /** Whether user space is asked for a missing page of {@code vma}: of shared memory, when nobody else has brought it yet. */
    static boolean asksFor(Vma vma, long page) {
        return (vma.flags() & VmFlags.UFFD_MISSING) != 0 && !isCached(vma, page);
    }

    private static boolean isCached(Vma vma, long page) {
        return vma.file() != null && vma.file().mapping().isCached(vma.pageIndex(page));
    }

    /** Sleeps until woken. @return false when a signal came first */
    static boolean await(FaultContext ctx) {
        UserfaultWait wait = ctx.userfaultWait;
        Userfault context = ctx.userfault;
        ctx.userfaultWait = null;
        ctx.userfault = null;
        try {
            return ctx.sleeper.sleep(() -> wait.done, (ctx.errorCode & FaultHandler.PF_USER) != 0);
        } finally {
            context.leave(wait);
        }
    }
}
