package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.table.Pte;

/**
 * The ladder of a page fault, from what the page-table entry says to who resolves it.
 *
 * <pre>
 *   mapping of the pool's pages       HugetlbFault     a huge page or a signal
 *   no table, or a huge page          HugeFault        a huge page, or on to the next rungs
 *   no entry      registered mapping  UserfaultFault   user space provides it
 *                 anonymous mapping   AnonymousFault   zero page or new page
 *                 anything else       FileFault        page of the cache, or a copy of it
 *   swap entry                        SwapFault
 *   marker                            a signal: guard page, poisoned page; or as if there was no entry
 *   file entry                        FileFault        at the page the entry names (nonlinear)
 *   present       write, read-only    WriteProtectFault, or UserfaultFault where user space protects it
 *                 else                the access is allowed: accessed and dirty bits, stale translation
 * </pre>
 *
 * <p>The caller holds the mmap lock, for reading at least: so tables cannot go, and may be looked at without a lock. An
 * entry that was looked at so is compared again under the page-table lock before anything is changed.
 */
final class MmFault {
    private final FaultEnv env;
    private final AnonymousFault anonymous;
    private final FileFault file;
    private final WriteProtectFault writeProtect;
    private final SwapFault swap;
    private final UserfaultFault userfault;
    private final HugeFault huge;
    private final HugetlbFault hugetlb;

    MmFault(FaultEnv env) {
        this.env = env;
        this.anonymous = new AnonymousFault(env);
        this.userfault = new UserfaultFault(env);
        this.file = new FileFault(env, userfault);
        this.writeProtect = new WriteProtectFault(env);
        this.swap = new SwapFault(env, writeProtect);
        this.huge = new HugeFault(env);
        this.hugetlb = new HugetlbFault(env);
    }

    @KernelFunction(value = "__handle_mm_fault", file = "mm/memory.c")
    @RequiresLock("MMAP_LOCK:read")
    int handle(FaultContext ctx) {
        long pgdEntry = env.tables.pgdOffset(ctx.mm.pgd(), ctx.page);
        long pudEntry = env.tables.pudAlloc(ctx.mm, pgdEntry, ctx.page);
        if (pudEntry < 0) {
            return VmFault.OOM;
        }
        boolean pooled = ctx.vma.has(VmFlags.HUGETLB);
        if (pooled && ctx.vma.ops().pageSize() == Page.PUD_SIZE) {
            ctx.pmdEntry = pudEntry;
            return hugetlb.handle(ctx);
        }
        long pmdEntry = env.tables.pmdAlloc(ctx.mm, pudEntry, ctx.page);
        if (pmdEntry < 0) {
            return VmFault.OOM;
        }
        ctx.pmdEntry = pmdEntry;
        long pmd = env.phys.getLongAcquire(pmdEntry);
        if (!Pte.isTable(pmd)) {
            // A mapping of the pool's pages never has tables of small ones.
            int result = pooled ? hugetlb.handle(ctx) : huge.handle(ctx, pmd);
            if (result != VmFault.FALLBACK) {
                return result;
            }
        }
        return handlePte(ctx);
    }

    @KernelFunction(value = "handle_pte_fault", file = "mm/memory.c")
    private int handlePte(FaultContext ctx) {
        long pmd = env.phys.getLongAcquire(ctx.pmdEntry);
        if (Pte.isNone(pmd)) {
            ctx.origPte = 0;
            return missing(ctx);
        }
        if (Pte.isHuge(pmd)) {
            ctx.path = FaultPath.SPURIOUS;
            return 0; // mapped since we looked: the access will find it
        }
        ctx.pte = env.tables.pteOffset(ctx.pmdEntry, ctx.page);
        ctx.origPte = env.phys.getLongAcquire(ctx.pte);
        if (Pte.isNone(ctx.origPte)) {
            return missing(ctx);
        }
        return Pte.isPresent(ctx.origPte) ? present(ctx) : notPresent(ctx);
    }

    @KernelFunction(value = "do_pte_missing", file = "mm/memory.c")
    private int missing(FaultContext ctx) {
        Vma vma = ctx.vma;
        boolean isReported = (vma.flags() & VmFlags.UFFD_MISSING) != 0 && vma.isAnonymous();
        if ((isReported || vma.isNonlinear()) && changed(ctx)) {
            ctx.path = FaultPath.SPURIOUS;
            return 0; // the access finds what is there now
        }
        if (isReported) {
            return userfault.handle(ctx, VmFlags.UFFD_MISSING);
        }
        if (vma.isAnonymous()) {
            return anonymous.handle(ctx);
        }
        return file.handle(ctx, vma.pageIndex(ctx.page));
    }

    /**
     * Whether the entry is another one than was read without the lock. Reclaim and write-back take an entry out before
     * they put in which page of the file it showed: to whoever looked in between, a swapped page, or one from elsewhere
     * in the file, seems to be missing. See {@code NonlinearRaceTest.noStoreIsLost}.
     */
    private boolean changed(FaultContext ctx) {
        long pte = env.tables.pteOffsetMapLock(ctx.mm, ctx.pmdEntry, ctx.page, ctx.guard);
        if (pte < 0) {
            return false;
        }
        boolean changed = env.phys.getLong(pte) != ctx.origPte;
        env.tables.pteUnmapUnlock(pte, ctx.guard);
        return changed;
    }

    private int notPresent(FaultContext ctx) {
        if (Pte.isFile(ctx.origPte)) {
            int result = file.handle(ctx, Pte.fileOffset(ctx.origPte));
            ctx.path = FaultPath.NONLINEAR;
            return result;
        }
        return Pte.isMarker(ctx.origPte) ? marker(ctx) : swap.handle(ctx);
    }

    /**
     * A guard page is as good as no mapping; a poisoned one cannot be read; write protection is for the page that
     * comes.
     */
    @KernelFunction(value = "handle_pte_marker", file = "mm/memory.c")
    private int marker(FaultContext ctx) {
        if (Pte.isUffdWpMarker(ctx.origPte)) {
            return (ctx.vma.flags() & VmFlags.UFFD_WP) != 0 ? missing(ctx) : clearMarker(ctx);
        }
        ctx.path = FaultPath.MARKER;
        return Pte.isGuard(ctx.origPte) ? VmFault.SIGSEGV : VmFault.HWPOISON;
    }

    /** A marker that outlived its registration. */
    @KernelFunction(value = "pte_marker_clear", file = "mm/memory.c")
    private int clearMarker(FaultContext ctx) {
        ctx.path = FaultPath.SPURIOUS;
        long pte = env.tables.pteOffsetMapLock(ctx.mm, ctx.pmdEntry, ctx.page, ctx.guard);
        if (pte >= 0) {
            if (env.phys.getLong(pte) == ctx.origPte) {
                env.tables.setPte(pte, 0);
            }
            env.tables.pteUnmapUnlock(pte, ctx.guard);
        }
        return 0;
    }

    private int present(FaultContext ctx) {
        long pte = env.tables.pteOffsetMapLock(ctx.mm, ctx.pmdEntry, ctx.page, ctx.guard);
        if (pte < 0) {
            return 0;
        }
        ctx.pte = pte;
        long entry = env.phys.getLong(pte);
        boolean same = entry == ctx.origPte;
        if (same && ctx.isWrite() && !Pte.isWrite(entry)) {
            if (Pte.isUffdWp(entry) && (ctx.vma.flags() & VmFlags.UFFD_WP) != 0) {
                if (!UserfaultFault.isAsynchronous(ctx.vma)) {
                    env.tables.pteUnmapUnlock(pte, ctx.guard);
                    return userfault.handle(ctx, VmFlags.UFFD_WP);
                }
                ctx.origPte = Pte.clearUffdWp(entry);
                env.tables.setPte(pte, ctx.origPte);
            }
            return writeProtect.handle(ctx);
        }
        ctx.path = FaultPath.SPURIOUS;
        if (same) {
            long updated = Pte.mkYoung(ctx.isWrite() ? Pte.mkDirty(entry) : entry);
            if (updated != entry) {
                env.tables.setPte(pte, updated);
            } else if (ctx.isWrite()) {
                // A translation from before the entry allowed this: only writes can meet one.
                ctx.mm.tlb().flushPage(ctx.page);
            }
        }
        env.tables.pteUnmapUnlock(pte, ctx.guard);
        return 0;
    }
}
