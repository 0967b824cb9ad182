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
     * A touch of a page that is not there, or not mapped, or a write to one that is write-protected for user space.
     *
     * @param reason {@link VmFlags#UFFD_MISSING}, {@link VmFlags#UFFD_MINOR} or {@link VmFlags#UFFD_WP}
     * @return RETRY with the wait in {@code ctx}, to be slept through without the mmap lock; SIGBUS where waiting is
     *     not possible or not wanted
     */
    @KernelFunction(value = "handle_userfault", file = "fs/userfaultfd.c")
    @RequiresLock("MMAP_LOCK:read")
    int handle(FaultContext ctx, long reason) {
        ctx.path = FaultPath.USERFAULT;
        Userfault context = (Userfault) ctx.vma.userfault();
        boolean user = (ctx.flags & FaultFlags.USER) != 0;
        if ((context.features() & UserfaultFeatures.SIGBUS) != 0
                || context.refusesKernel() && !user
                || !ctx.maySleep
                || ctx.withoutUserSpace
                || ctx.sleeper == null) {
            return VmFault.SIGBUS;
        }
        if (!ctx.mayWait || !ctx.mayBlock || context.isReleased()) {
            return VmFault.RETRY;
        }
        UserfaultWait wait = new UserfaultWait(ctx.page, told(ctx, context), flags(ctx, reason), ctx.sleeper);
        context.enter(wait);
        if (mustWait(ctx, reason)) {
            ctx.userfault = context;
            ctx.userfaultWait = wait;
        } else {
            context.leave(wait);
        }
        return VmFault.RETRY;
    }

    private static long told(FaultContext ctx, Userfault context) {
        return (context.features() & UserfaultFeatures.EXACT_ADDRESS) != 0 ? ctx.address : ctx.page;
    }

    @KernelFunction(value = "userfault_msg", file = "fs/userfaultfd.c")
    private static int flags(FaultContext ctx, long reason) {
        int flags = ctx.isWrite() ? Userfault.FLAG_WRITE : 0;
        if (reason == VmFlags.UFFD_WP) {
            return flags | Userfault.FLAG_WP;
        }
        return reason == VmFlags.UFFD_MINOR ? flags | Userfault.FLAG_MINOR : flags;
    }

    /** Whether the entry still is as the fault found it: who resolved it meanwhile did not see us in the queue. */
    @KernelFunction(value = "userfaultfd_must_wait", file = "fs/userfaultfd.c")
    private boolean mustWait(FaultContext ctx, long reason) {
        long pmd = env.phys.getLongAcquire(ctx.pmdEntry);
        long entry = Pte.isTable(pmd) ? env.phys.getLongAcquire(env.tables.pteOffset(ctx.pmdEntry, ctx.page)) : 0;
        if (reason == VmFlags.UFFD_WP) {
            return Pte.isPresent(entry) && Pte.isUffdWp(entry);
        }
        if (!Pte.isNone(entry) && !Pte.isUffdWpMarker(entry)) {
            return false;
        }
        return ctx.vma.file() == null || hasPage(ctx.vma, ctx.page) == (reason == VmFlags.UFFD_MINOR);
    }

    /**
     * Why user space is asked for a page of shared memory that is not mapped: a {@link VmFlags} bit; 0 when it is not.
     */
    static long asksFor(Vma vma, long page) {
        long modes = vma.flags() & (VmFlags.UFFD_MISSING | VmFlags.UFFD_MINOR);
        if (modes == 0) {
            return 0;
        }
        return modes & (hasPage(vma, page) ? VmFlags.UFFD_MINOR : VmFlags.UFFD_MISSING);
    }

    private static boolean hasPage(Vma vma, long page) {
        return vma.file().mapping().holdsPage(vma.pageIndex(page));
    }

    /** Whether writes to protected pages of the mapping just end the protection. */
    static boolean isAsynchronous(Vma vma) {
        return (((Userfault) vma.userfault()).features() & UserfaultFeatures.WP_ASYNC) != 0;
    }

    /** Sleeps until woken; no lock is held. @return false when a signal came first */
    static boolean await(FaultContext ctx) {
        UserfaultWait wait = ctx.userfaultWait;
        Userfault context = ctx.userfault;
        ctx.userfaultWait = null;
        ctx.userfault = null;
        try {
            return ctx.sleeper.sleep(() -> wait.done, (ctx.flags & FaultFlags.USER) != 0);
        } finally {
            context.leave(wait);
        }
    }
}
