package faultline.mmu.fault;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.table.Pte;

/**
 * Touch of a page that was swapped out.
 *
 * <p>The page comes from the swap cache or is read there; locked, it is still the page of this entry or all begins
 * anew. A write by its only user takes it out of the swap cache and maps it writable; one of several users goes on to
 * copy.
 */
final class SwapFault {
    private final FaultEnv env;
    private final WriteProtectFault writeProtect;

    SwapFault(FaultEnv env, WriteProtectFault writeProtect) {
        this.env = env;
        this.writeProtect = writeProtect;
    }

    @KernelFunction(value = "do_swap_page", file = "mm/memory.c")
    @RequiresLock("MMAP_LOCK:read")
    int handle(FaultContext ctx) {
        ctx.path = FaultPath.SWAP_IN;
        long pfn = env.swap.swapIn(ctx.origPte, ctx.mayWait);
        if (pfn < 0) {
            return errorOf(ctx, pfn);
        }
        if ((pfn & AddressSpace.WAS_READ) != 0) {
            pfn &= ~AddressSpace.WAS_READ;
            ctx.major = true;
        }
        if (ctx.mayWait) {
            env.cache.lockPage(pfn);
        } else if (!env.cache.tryLockPage(pfn)) {
            env.allocator.putPage(pfn);
            return VmFault.RETRY;
        }
        if (!env.isSwapPage(pfn, ctx.origPte)) {
            // Taken out of the swap cache by another user, who by now has changed the entry or will.
            env.cache.unlockPage(pfn);
            env.allocator.putPage(pfn);
            return VmFault.RETRY;
        }
        return mapLocked(ctx, pfn);
    }

    /**
     * A slot that nobody uses any more was freed by another task that swapped the page in first. Its entry may stand
     * here still: the slot is freed before the entry is set; or again, after the page went to the same slot once more.
     * Either way the touch begins anew ({@code TryToUnmapTest}: increments are not lost while the page is swapped out
     * again).
     */
    private int errorOf(FaultContext ctx, long errno) {
        if (env.phys.getLongAcquire(ctx.pte) != ctx.origPte) {
            return 0;
        }
        if (errno == -Errno.ENOMEM) {
            return VmFault.OOM;
        }
        return errno == -Errno.EAGAIN ? VmFault.RETRY : VmFault.SIGBUS;
    }

    private int mapLocked(FaultContext ctx, long pfn) {
        long pte = env.tables.pteOffsetMapLock(ctx.mm, ctx.pmdEntry, ctx.page, ctx.guard);
        if (pte < 0 || env.phys.getLong(pte) != ctx.origPte) {
            if (pte >= 0) {
                env.tables.pteUnmapUnlock(pte, ctx.guard);
            }
            env.cache.unlockPage(pfn);
            env.allocator.putPage(pfn);
            ctx.path = FaultPath.SPURIOUS;
            return 0;
        }
        Vma vma = ctx.vma;
        int major = ctx.major ? VmFault.MAJOR : 0;
        env.swap.free(ctx.origPte);
        ctx.mm.addRss(MmStruct.SWAPENTS, -1);
        ctx.mm.addRss(MmStruct.ANONPAGES, 1);
        // Swapped out from one place only: nobody else has the page, unless a fork shared the entry meanwhile.
        boolean exclusive = Pte.isSwapExclusive(ctx.origPte) || ctx.isWrite() && isOurs(pfn);
        long entry = Pte.mkYoung(Pte.of(pfn, vma.pageProt()));
        boolean protectedForUser = Pte.isUffdWp(ctx.origPte);
        if (exclusive && ctx.isWrite() && !protectedForUser) {
            env.swap.tryToFree(pfn);
            entry = Pte.mkDirty(entry);
            if ((vma.flags() & VmFlags.WRITE) != 0) {
                entry = Pte.mkWrite(entry);
            }
        }
        entry = Pte.withSoftBits(entry, ctx.origPte);
        env.rmap.addAnon(pfn, vma, vma.pageIndex(ctx.page), exclusive);
        env.tables.setPte(pte, entry);
        env.cache.unlockPage(pfn);
        if (ctx.isWrite() && !exclusive && !protectedForUser) {
            ctx.pte = pte;
            ctx.origPte = entry;
            int result = writeProtect.handle(ctx);
            ctx.path = FaultPath.SWAP_IN;
            return result | major;
        }
        env.tables.pteUnmapUnlock(pte, ctx.guard);
        return major;
    }

    /**
     * Whether nobody else can reach the page: not by a swap entry, and not by having read it back first, which leaves
     * no swap entry either (see {@code SwapRaceTest}).
     */
    @RequiresLock({"PAGE_LOCK", "PAGE_TABLE_LOCK"})
    private boolean isOurs(long pfn) {
        return env.swap.tryToFree(pfn) && env.frames.refcount(pfn) == 1;
    }
}
