package faultline.mmu.gup;

import faultline.mmu.Errno;
import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultFlags;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.fault.VmFault;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;

/**
 * Pins the pages behind a range of user addresses, faulting in what is absent (seed 001).
 *
 * <p>Rights are the mapping's own, or with force what it might have (the MAY flags): a debugger writes to read-only
 * text and gets a private copy. Mappings of device memory give EFAULT. What was pinned before an error is the result,
 * if it was anything.
 */
public final class GetUserPages {
    /** The mmap lock has been let go in between, and the page may be there now. */
    private static final long WAITED = Long.MIN_VALUE;

    private final FaultHandler faults;
    private final FollowPage follow;
    private volatile GupCow cow = GupCow.FIXED;

    /** For tests: runs after a fault and before the page is looked up again, where another task may come between. */
    Runnable afterFault;

    /** Pins pages of the machine that {@code faults} serves. */
    public GetUserPages(FaultHandler faults) {
        this.faults = faults;
        this.follow = new FollowPage(faults.env());
    }

    /** Chooses the rule for forced writes; {@link GupCow#FIXED} unless history is to be replayed. */
    public void setCow(GupCow rule) {
        cow = rule;
    }

    /** Look-ups of single pages. */
    public FollowPage follow() {
        return follow;
    }

    /**
     * Pins {@code count} pages from the page of {@code start} on. Where user space is to provide a page (userfaultfd)
     * the mmap lock is let go meanwhile: no mapping that the caller knew need be there afterwards.
     *
     * @param ctx the calling task's cursor; faults are counted there
     * @param write the pages are going to be written
     * @param force override the mapping's rights within its MAY flags
     * @param pages receives the frame numbers, each with one reference for the caller to drop; null to only make the
     *     pages present
     * @param vmas receives the mappings, valid while the mmap lock is held, with one that is not registered; or null
     * @return pages done, at least 1; or -EFAULT, -ENOMEM when the first could not be had
     */
    @KernelFunction(value = "get_user_pages", file = "mm/gup.c")
    @RequiresLock("MMAP_LOCK:read")
    @Injectable(value = "mm/get_user_pages", error = -Errno.EFAULT)
    public long getUserPages(
            MmStruct mm,
            FaultContext ctx,
            long start,
            long count,
            boolean write,
            boolean force,
            long[] pages,
            Vma[] vmas) {
        long may = write ? VmFlags.WRITE | VmFlags.MAYWRITE : VmFlags.READ | VmFlags.MAYREAD;
        may &= force ? VmFlags.MAYREAD | VmFlags.MAYWRITE : VmFlags.READ | VmFlags.WRITE;
        long address = start & Page.MASK;
        long done = 0;
        while (done < count) {
            Vma vma = mm.vmas().find(address);
            if (vma == null || vma.start() > address || !isAllowed(vma, may, write)) {
                return done > 0 ? done : -Errno.EFAULT;
            }
            int flags = flagsFor(vma, write, force, pages != null);
            while (done < count && address < vma.end()) {
                long pfn = onePage(mm, vma, address, flags, ctx);
                if (pfn == WAITED) {
                    break; // look for the mapping again
                }
                if (pfn < 0) {
                    return done > 0 ? done : pfn;
                }
                if (pages != null) {
                    pages[(int) done] = pfn;
                }
                if (vmas != null) {
                    vmas[(int) done] = vma;
                }
                done++;
                address += Page.SIZE;
            }
        }
        return done;
    }

    /**
     * A forced write to a shared mapping that is read-only would change the file behind its owner's back; of mappings
     * of the pool's huge pages there are none at all.
     */
    @KernelFunction(value = "check_vma_flags", file = "mm/gup.c")
    private static boolean isAllowed(Vma vma, long may, boolean write) {
        if (vma.hasAny(VmFlags.IO | VmFlags.PFNMAP) || !vma.hasAny(may)) {
            return false;
        }
        return !write || vma.has(VmFlags.WRITE) || VmFlags.isCow(vma.flags()) && !vma.has(VmFlags.HUGETLB);
    }

    private static int flagsFor(Vma vma, boolean write, boolean force, boolean get) {
        int flags = FollFlags.TOUCH;
        if (get) {
            flags |= FollFlags.GET;
        }
        if (force) {
            flags |= FollFlags.FORCE;
        }
        if (write) {
            flags |= FollFlags.WRITE;
        } else if (get && !vma.has(VmFlags.LOCKED) && vma.isAnonymous()) {
            // Whoever only populates (get is false) wants the tables, too: MAP_POPULATE of a read-only mapping.
            flags |= FollFlags.ANON;
        }
        return flags;
    }

    /** The frame at {@code address}, faulted in if need be; or -errno. */
    @KernelFunction(value = "faultin_page", file = "mm/gup.c")
    private long onePage(MmStruct mm, Vma vma, long address, int flags, FaultContext ctx) {
        int follow = flags;
        for (; ; ) {
            long pfn = this.follow.followPage(mm, address, follow, ctx);
            if (pfn >= 0) {
                return pfn;
            }
            int fault = fault(mm, vma, address, (follow & FollFlags.WRITE) != 0, ctx);
            if ((fault & VmFault.ERROR) != 0) {
                return FaultHandler.toErrno(fault);
            }
            if ((fault & VmFault.RETRY) != 0 && ctx.awaitsUserSpace()) {
                return faults.awaitUserfault(mm, ctx) ? WAITED : -Errno.EFAULT;
            }
            if ((fault & VmFault.WRITE) != 0 && !vma.has(VmFlags.WRITE)) {
                follow = cow == GupCow.FIXED ? follow | FollFlags.COW : follow & ~FollFlags.WRITE;
            }
        }
    }

    private int fault(MmStruct mm, Vma vma, long address, boolean write, FaultContext ctx) {
        boolean mayWait = ctx.mayWait;
        boolean mayBlock = ctx.mayBlock;
        ctx.mayWait = true;
        ctx.mayBlock = true;
        ctx.maySleep = true;
        ctx.address = address;
        int fault = faults.handleMmFault(mm, vma, address, write ? FaultFlags.WRITE : 0, ctx);
        ctx.maySleep = false;
        ctx.mayWait = mayWait;
        ctx.mayBlock = mayBlock;
        if (afterFault != null) {
            afterFault.run();
        }
        return fault;
    }
}
