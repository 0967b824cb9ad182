package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.table.Pte;

/**
 * Write to a page that is mapped read-only although the mapping may be written: copy, or allow.
 *
 * <p>Shared mapping: the file is told of the first write since write-back, then the entry becomes writable. Private
 * mapping: an anonymous page that nobody else can reach becomes writable in place, anything else is copied. The
 * page-table lock is let go for the copy, a reference keeping the old page; afterwards the entry must be what it was,
 * or another task has broken the sharing first and the copy is given back (see {@code FaultRaceTest}).
 */
final class WriteProtectFault {
    private final FaultEnv env;

    WriteProtectFault(FaultEnv env) {
        this.env = env;
    }

    /**
     * Entered with the page-table lock held on {@code ctx.pte}, whose entry is {@code ctx.origPte}; leaves it unlocked.
     */
    @KernelFunction(value = "do_wp_page", file = "mm/memory.c")
    @RequiresLock({"MMAP_LOCK:read", "PAGE_TABLE_LOCK"})
    int handle(FaultContext ctx) {
        Vma vma = ctx.vma;
        long pfn = Pte.pfn(ctx.origPte);
        boolean counted = !Pte.isSpecial(ctx.origPte) && env.isCounted(pfn);
        if ((vma.flags() & (VmFlags.SHARED | VmFlags.MAYSHARE)) != 0) {
            return counted && !vma.file().mapping().isShmem() ? shared(ctx, vma, pfn) : reuse(ctx, vma);
        }
        if (counted && canReuse(pfn)) {
            return reuse(ctx, vma);
        }
        if (counted) {
            env.frames.get(pfn);
        }
        env.tables.pteUnmapUnlock(ctx.pte, ctx.guard);
        return copy(ctx, vma, pfn, counted);
    }

    /** Whether nobody but this entry can reach the anonymous page: then it is this mapping's own from now on. */
    @KernelFunction(value = "wp_can_reuse_anon_folio", file = "mm/memory.c")
    @RequiresLock("PAGE_TABLE_LOCK")
    private boolean canReuse(long pfn) {
        int flags = env.frames.flags(pfn);
        if ((flags & (PageFlags.ANON | PageFlags.KSM)) != PageFlags.ANON) {
            return false;
        }
        if ((flags & PageFlags.ANON_EXCLUSIVE) != 0) {
            return true;
        }
        int cacheReference = (flags & PageFlags.SWAPCACHE) != 0 ? 1 : 0;
        if (env.frames.refcount(pfn) > 1 + cacheReference || !env.cache.tryLockPage(pfn)) {
            return false;
        }
        if (env.frames.test(pfn, PageFlags.SWAPCACHE)) {
            env.swap.tryToFree(pfn);
        }
        // Another mapping's page may have been made a shared one since its flags were read; no longer, now it is
        // locked.
        boolean alone = !env.frames.test(pfn, PageFlags.KSM)
                && env.frames.refcount(pfn) == 1
                && !env.frames.test(pfn, PageFlags.SWAPCACHE);
        if (alone) {
            env.frames.set(pfn, PageFlags.ANON_EXCLUSIVE);
        }
        env.cache.unlockPage(pfn);
        return alone;
    }

    @KernelFunction(value = "wp_page_reuse", file = "mm/memory.c")
    @RequiresLock("PAGE_TABLE_LOCK")
    private int reuse(FaultContext ctx, Vma vma) {
        ctx.path = FaultPath.COW_REUSE;
        makeWritable(ctx, vma);
        env.tables.pteUnmapUnlock(ctx.pte, ctx.guard);
        return VmFault.WRITE;
    }

    /** Adds rights to the entry and keeps what the hardware set meanwhile. A translation with fewer rights may stay. */
    private void makeWritable(FaultContext ctx, Vma vma) {
        long entry = Pte.mkDirty(Pte.mkYoung(ctx.origPte));
        if ((vma.flags() & VmFlags.WRITE) != 0) {
            entry = Pte.mkWrite(entry);
        }
        env.tables.setPte(ctx.pte, entry);
    }

    /**
     * The first write to a clean page of a file: under the page lock, so that write-back sees either all of it or none.
     */
    @KernelFunction(value = "wp_page_shared", file = "mm/memory.c")
    @RequiresLock("PAGE_TABLE_LOCK")
    private int shared(FaultContext ctx, Vma vma, long pfn) {
        ctx.path = FaultPath.SHARED_WRITE;
        AddressSpace mapping = vma.file().mapping();
        env.frames.get(pfn);
        env.tables.pteUnmapUnlock(ctx.pte, ctx.guard);
        if (ctx.mayWait) {
            env.cache.lockPage(pfn);
        } else if (!env.cache.tryLockPage(pfn)) {
            env.allocator.putPage(pfn);
            return VmFault.RETRY;
        }
        int result = 0;
        if (env.frames.mapping(pfn) == mapping) {
            boolean room = FileFault.hasRoom(mapping, env.frames.index(pfn));
            result = room ? sharedLocked(ctx, vma, pfn, mapping) : VmFault.SIGBUS;
        }
        env.cache.unlockPage(pfn);
        env.allocator.putPage(pfn);
        return result;
    }

    private int sharedLocked(FaultContext ctx, Vma vma, long pfn, AddressSpace mapping) {
        long pte = env.tables.pteOffsetMapLock(ctx.mm, ctx.pmdEntry, ctx.page, ctx.guard);
        if (pte < 0) {
            return 0;
        }
        ctx.pte = pte;
        boolean same = env.phys.getLong(pte) == ctx.origPte;
        if (same) {
            makeWritable(ctx, vma);
            mapping.setPageDirty(pfn);
        } else {
            ctx.path = FaultPath.SPURIOUS;
        }
        env.tables.pteUnmapUnlock(pte, ctx.guard);
        return same ? VmFault.WRITE : 0;
    }

    /** Maps a copy instead of {@code old}, on which the caller took a reference if it is a counted page. */
    @KernelFunction(value = "wp_page_copy", file = "mm/memory.c")
    private int copy(FaultContext ctx, Vma vma, long old, boolean counted) {
        ctx.path = FaultPath.COW_COPY;
        if (Rmap.prepare(vma) == null) {
            dropOld(old, counted);
            return VmFault.OOM;
        }
        long fresh = old == env.zeroPfn ? env.allocZeroed(ctx.mm) : env.allocCopy(ctx.mm, old);
        if (fresh < 0) {
            dropOld(old, counted);
            return VmFault.OOM;
        }
        long pte = env.tables.pteOffsetMapLock(ctx.mm, ctx.pmdEntry, ctx.page, ctx.guard);
        boolean same = pte >= 0 && env.phys.getLong(pte) == ctx.origPte;
        if (same) {
            replace(ctx, vma, pte, old, fresh, counted);
        }
        if (pte >= 0) {
            env.tables.pteUnmapUnlock(pte, ctx.guard);
        }
        if (same && counted) {
            env.allocator.putPage(old); // the reference of the entry that is gone
        } else if (!same) {
            ctx.path = FaultPath.SPURIOUS;
            env.allocator.putPage(fresh);
        }
        dropOld(old, counted);
        return same ? VmFault.WRITE : 0;
    }

    @RequiresLock("PAGE_TABLE_LOCK")
    private void replace(FaultContext ctx, Vma vma, long pte, long old, long fresh, boolean counted) {
        if (!counted) {
            ctx.mm.addRss(MmStruct.ANONPAGES, 1);
        } else if (!env.frames.test(old, PageFlags.ANON)) {
            ctx.mm.addRss(FileFault.fileCounter(vma), -1);
            ctx.mm.addRss(MmStruct.ANONPAGES, 1);
        }
        long entry = Pte.mkDirty(Pte.mkYoung(Pte.of(fresh, vma.pageProt())));
        if ((vma.flags() & VmFlags.WRITE) != 0) {
            entry = Pte.mkWrite(entry);
        }
        // Gone and flushed before the new one is there: no processor sees old and new at once (ptep_clear_flush).
        env.phys.getAndSetLong(pte, 0);
        ctx.mm.tlb().flushPage(ctx.page);
        env.rmap.addNewAnon(fresh, vma, vma.pageIndex(ctx.page));
        env.tables.setPte(pte, entry);
        if (counted) {
            env.rmap.remove(old, vma);
        }
    }

    private void dropOld(long old, boolean counted) {
        if (counted) {
            env.allocator.putPage(old);
        }
    }
}
