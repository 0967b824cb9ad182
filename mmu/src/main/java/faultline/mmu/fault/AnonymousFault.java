package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;

/**
 * First touch of a page of anonymous memory.
 *
 * <p>Reading maps the one frame of zeros, which is neither counted nor referenced; writing maps a new zeroed frame. The
 * frame is made ready before the page-table lock is taken. Under the lock the entry is looked at again: another task
 * may have touched the same page meanwhile, and then ours is given back (see {@code FaultRaceTest}).
 *
 * <p>The hottest path of all: it allocates no Java object.
 */
final class AnonymousFault {
    private final FaultEnv env;

    AnonymousFault(FaultEnv env) {
        this.env = env;
    }

    @KernelFunction(value = "do_anonymous_page", file = "mm/memory.c")
    @RequiresLock("MMAP_LOCK:read")
    int handle(FaultContext ctx) {
        Vma vma = ctx.vma;
        if ((vma.flags() & VmFlags.SHARED) != 0) {
            return VmFault.SIGBUS; // shared memory always has an object behind it
        }
        return ctx.isWrite() ? mapNewPage(ctx, vma) : mapZeroPage(ctx, vma);
    }

    private int mapZeroPage(FaultContext ctx, Vma vma) {
        ctx.path = FaultPath.ZERO_PAGE;
        long entry = Pte.mkSpecial(Pte.of(env.zeroPfn, vma.pageProt()));
        long pte = env.tables.pteAllocMapLock(ctx.mm, ctx.pmdEntry, ctx.page, ctx.guard);
        if (pte < 0) {
            return noTable(ctx, pte);
        }
        if (env.phys.getLong(pte) == ctx.origPte) {
            env.tables.setPte(pte, protectedForUser(ctx, entry));
        } else {
            ctx.path = FaultPath.SPURIOUS;
        }
        env.tables.pteUnmapUnlock(pte, ctx.guard);
        return 0;
    }

    private int mapNewPage(FaultContext ctx, Vma vma) {
        ctx.path = FaultPath.NEW_PAGE;
        if (Rmap.prepare(vma) == null) {
            return VmFault.OOM;
        }
        long pfn = env.allocZeroed(ctx.mm);
        if (pfn < 0) {
            return VmFault.OOM;
        }
        long entry = Pte.mkYoung(Pte.of(pfn, vma.pageProt()));
        if ((vma.flags() & VmFlags.WRITE) != 0) {
            entry = Pte.mkWrite(Pte.mkDirty(entry));
        }
        long pte = env.tables.pteAllocMapLock(ctx.mm, ctx.pmdEntry, ctx.page, ctx.guard);
        if (pte < 0) {
            env.allocator.putPage(pfn);
            return noTable(ctx, pte);
        }
        boolean first = env.phys.getLong(pte) == ctx.origPte;
        if (first) {
            ctx.mm.addRss(MmStruct.ANONPAGES, 1);
            env.rmap.addNewAnon(pfn, vma, vma.pageIndex(ctx.page));
            env.tables.setPte(pte, protectedForUser(ctx, entry));
        }
        env.tables.pteUnmapUnlock(pte, ctx.guard);
        if (!first) {
            ctx.path = FaultPath.SPURIOUS;
            env.allocator.putPage(pfn);
        }
        return 0;
    }

    /** A page for which a marker stands is protected from the beginning: who writes asks user space next. */
    private static long protectedForUser(FaultContext ctx, long entry) {
        return ctx.origPte == 0 ? entry : Pte.mkUffdWp(entry);
    }

    /**
     * No memory for a table; or another task has mapped a huge page meanwhile, which the access will find when
     * repeated.
     */
    private static int noTable(FaultContext ctx, long pte) {
        if (pte != PageTables.HUGE) {
            return VmFault.OOM;
        }
        ctx.path = FaultPath.SPURIOUS;
        return 0;
    }
}
