package faultline.mmu.fault;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.table.Pte;

/**
 * First touch of a page of a mapped file, or of shared memory.
 *
 * <p>The page is brought into the cache without any spin lock held; then it is locked, and looked at again: truncation
 * may have taken it out of the file meanwhile, in which case all begins anew and ends in SIGBUS. While it is locked it
 * is entered into the page table (see package {@code file} for how that meets truncation, and {@code FaultRaceTest}).
 */
final class FileFault {
    private final FaultEnv env;
    private final UserfaultFault userfault;

    FileFault(FaultEnv env, UserfaultFault userfault) {
        this.env = env;
        this.userfault = userfault;
    }

    @KernelFunction(value = "do_fault", file = "mm/memory.c")
    @RequiresLock("MMAP_LOCK:read")
    int handle(FaultContext ctx, long index) {
        Vma vma = ctx.vma;
        if (vma.file() == null) {
            return specialFault(ctx, vma, index);
        }
        if ((vma.flags() & VmFlags.UFFD_ANY) != 0 && !isBeyondEnd(vma.file().mapping(), index)) {
            long reason = UserfaultFault.asksFor(vma, ctx.page);
            if (reason != 0) {
                return userfault.handle(ctx, reason);
            }
        }
        // The table first: with the page locked, allocating might have to reclaim pages.
        if (env.tables.pteAlloc(ctx.mm, ctx.pmdEntry, ctx.page) < 0) {
            return VmFault.OOM;
        }
        if (!ctx.isWrite()) {
            return readFault(ctx, vma, index);
        }
        return (vma.flags() & VmFlags.SHARED) != 0 ? sharedFault(ctx, vma, index) : cowFault(ctx, vma, index);
    }

    /** Device memory and the like: the mapping says which frame; nothing is counted. */
    @KernelFunction("vmf_insert_pfn_prot")
    private int specialFault(FaultContext ctx, Vma vma, long index) {
        ctx.path = FaultPath.FILE_READ;
        if (vma.ops() == null) {
            return VmFault.SIGBUS;
        }
        long pfn = vma.ops().faultPfn(vma, index);
        if (pfn < 0) {
            return pfn == -Errno.ENOMEM ? VmFault.OOM : VmFault.SIGBUS;
        }
        long pte = env.tables.pteAllocMapLock(ctx.mm, ctx.pmdEntry, ctx.page, ctx.guard);
        if (pte < 0) {
            return VmFault.OOM;
        }
        if (Pte.isNone(env.phys.getLong(pte))) {
            long entry = Pte.mkSpecial(Pte.of(pfn, vma.pageProt()));
            if (ctx.isWrite() && (vma.flags() & VmFlags.WRITE) != 0) {
                entry = Pte.mkWrite(Pte.mkDirty(Pte.mkYoung(entry)));
            }
            env.tables.setPte(pte, entry);
        }
        env.tables.pteUnmapUnlock(pte, ctx.guard);
        return VmFault.NOPAGE;
    }

    @KernelFunction(value = "do_read_fault", file = "mm/memory.c")
    private int readFault(FaultContext ctx, Vma vma, long index) {
        ctx.path = FaultPath.FILE_READ;
        long pfn = lockedPage(ctx, vma, index);
        if (pfn < 0) {
            return (int) -pfn;
        }
        int result = finish(ctx, vma, pfn, false);
        env.cache.unlockPage(pfn);
        if ((result & VmFault.ERROR) != 0 || result == VmFault.NOPAGE) {
            env.allocator.putPage(pfn);
        } else if (index == vma.pageIndex(ctx.page) && (vma.flags() & (VmFlags.UFFD_WP | VmFlags.UFFD_MINOR)) == 0) {
            mapAround(ctx, vma, index);
        }
        return result & ~VmFault.NOPAGE | majorBit(ctx);
    }

    @KernelFunction(value = "do_cow_fault", file = "mm/memory.c")
    private int cowFault(FaultContext ctx, Vma vma, long index) {
        ctx.path = FaultPath.FILE_COW;
        if (Rmap.prepare(vma) == null) {
            return VmFault.OOM;
        }
        long copy = env.allocAnon(ctx.mm);
        if (copy < 0) {
            return VmFault.OOM;
        }
        long from = lockedPage(ctx, vma, index);
        if (from < 0) {
            env.allocator.putPage(copy);
            return (int) -from;
        }
        env.copyPage(from, copy);
        int result = finish(ctx, vma, copy, true);
        env.cache.unlockPage(from);
        env.allocator.putPage(from);
        if (result != 0) {
            env.allocator.putPage(copy);
        }
        return result & ~VmFault.NOPAGE | majorBit(ctx);
    }

    @KernelFunction(value = "do_shared_fault", file = "mm/memory.c")
    private int sharedFault(FaultContext ctx, Vma vma, long index) {
        ctx.path = FaultPath.SHARED_WRITE;
        long pfn = lockedPage(ctx, vma, index);
        if (pfn < 0) {
            return (int) -pfn;
        }
        int result = hasRoom(vma.file().mapping(), index) ? finish(ctx, vma, pfn, false) : VmFault.SIGBUS;
        if (result == 0) {
            // Marked while the page is locked: write-back, which cleans it, waits for the lock (do_page_mkwrite).
            vma.file().mapping().setPageDirty(pfn);
        }
        env.cache.unlockPage(pfn);
        if (result != 0) {
            env.allocator.putPage(pfn);
        }
        return result & ~VmFault.NOPAGE | majorBit(ctx);
    }

    /** Whether what is going to be written to the page can be stored: full disks are known of before, not after. */
    @KernelFunction(value = "do_page_mkwrite", file = "mm/memory.c")
    @RequiresLock("PAGE_LOCK")
    static boolean hasRoom(AddressSpace mapping, long index) {
        return mapping.store().reserve(index) >= 0;
    }

    private static int majorBit(FaultContext ctx) {
        return ctx.major ? VmFault.MAJOR : 0;
    }

    /**
     * Page {@code index} of the file, up to date, locked, with a reference; or the negative of a {@link VmFault} set.
     */
    @KernelFunction(value = "__do_fault", file = "mm/memory.c")
    private long lockedPage(FaultContext ctx, Vma vma, long index) {
        AddressSpace mapping = vma.file().mapping();
        for (; ; ) {
            if (isBeyondEnd(mapping, index)) {
                return -VmFault.SIGBUS;
            }
            long pfn = mapping.readPage(index, ctx.mayWait, (vma.flags() & VmFlags.RAND_READ) == 0);
            if (pfn == -Errno.ENXIO) {
                continue; // truncated since we looked
            }
            if (pfn < 0) {
                return errorOf(pfn);
            }
            if ((pfn & AddressSpace.WAS_READ) != 0) {
                pfn &= ~AddressSpace.WAS_READ;
                ctx.major = true;
            }
            if (!lock(ctx, pfn)) {
                env.allocator.putPage(pfn);
                return -VmFault.RETRY;
            }
            if (env.frames.mapping(pfn) == mapping && index < mapping.sizePages()) {
                return pfn;
            }
            env.cache.unlockPage(pfn);
            env.allocator.putPage(pfn);
        }
    }

    private boolean lock(FaultContext ctx, long pfn) {
        if (ctx.mayWait) {
            env.cache.lockPage(pfn);
            return true;
        }
        return env.cache.tryLockPage(pfn);
    }

    private static boolean isBeyondEnd(AddressSpace mapping, long index) {
        if (index < mapping.sizePages()) {
            return false;
        }
        mapping.refreshSize();
        return index >= mapping.sizePages();
    }

    private static long errorOf(long errno) {
        if (errno == -Errno.ENOMEM) {
            return -VmFault.OOM;
        }
        return errno == -Errno.EAGAIN ? -VmFault.RETRY : -VmFault.SIGBUS;
    }

    /**
     * Enters the page, whose reference the entry takes over.
     *
     * @param anon whether the page is the mapping's private copy
     * @return 0; NOPAGE when another task entered something first; OOM
     */
    @KernelFunction(value = "finish_fault", file = "mm/memory.c")
    private int finish(FaultContext ctx, Vma vma, long pfn, boolean anon) {
        long pte = env.tables.pteAllocMapLock(ctx.mm, ctx.pmdEntry, ctx.page, ctx.guard);
        if (pte < 0) {
            return VmFault.OOM;
        }
        boolean first = env.phys.getLong(pte) == ctx.origPte;
        if (first) {
            setPte(ctx, vma, pte, pfn, anon);
        } else {
            ctx.path = FaultPath.SPURIOUS;
        }
        env.tables.pteUnmapUnlock(pte, ctx.guard);
        return first ? 0 : VmFault.NOPAGE;
    }

    @KernelFunction(value = "set_pte_range", file = "mm/memory.c")
    @RequiresLock("PAGE_TABLE_LOCK")
    private void setPte(FaultContext ctx, Vma vma, long pte, long pfn, boolean anon) {
        long entry = Pte.mkYoung(Pte.of(pfn, vma.pageProt()));
        if (ctx.isWrite()) {
            entry = Pte.mkDirty(entry);
            if ((vma.flags() & VmFlags.WRITE) != 0) {
                entry = Pte.mkWrite(entry);
            }
        }
        if (anon) {
            ctx.mm.addRss(MmStruct.ANONPAGES, 1);
            env.rmap.addNewAnon(pfn, vma, vma.pageIndex(ctx.page));
        } else {
            ctx.mm.addRss(fileCounter(vma), 1);
            env.rmap.addFile(pfn, vma);
        }
        env.tables.setPte(pte, Pte.isUffdWpMarker(ctx.origPte) ? Pte.mkUffdWp(entry) : entry);
    }

    @KernelFunction("mm_counter_file")
    static int fileCounter(Vma vma) {
        return vma.file().mapping().isTmpfs() ? MmStruct.SHMEMPAGES : MmStruct.FILEPAGES;
    }

    /**
     * Maps what is cached of the 16 pages around, so that reading a file through costs one fault in 16 pages. Pages
     * that somebody has locked are left out; nothing is waited for. Not around a page that stands elsewhere than in
     * order.
     */
    @KernelFunction(value = "do_fault_around", file = "mm/memory.c")
    private void mapAround(FaultContext ctx, Vma vma, long index) {
        long windowStart = ctx.page & -((long) FaultContext.FAULT_AROUND << Page.SHIFT);
        long start = Math.max(windowStart, vma.start());
        long end = Math.min(windowStart + ((long) FaultContext.FAULT_AROUND << Page.SHIFT), vma.end());
        AddressSpace mapping = vma.file().mapping();
        long firstIndex = index - (ctx.page - start >>> Page.SHIFT);
        int count = (int) Math.min(end - start >>> Page.SHIFT, mapping.sizePages() - firstIndex);
        if (count <= 1 || mapping.findPages(firstIndex, count, ctx.around) <= 1) {
            dropAround(ctx, count);
            return;
        }
        long pte = env.tables.pteOffsetMapLock(ctx.mm, ctx.pmdEntry, start, ctx.guard);
        if (pte < 0) {
            dropAround(ctx, count);
            return;
        }
        int mapped = 0;
        for (int i = 0; i < count; i++) {
            long pfn = ctx.around[i];
            if (pfn >= 0
                    && Pte.isNone(env.phys.getLong(pte + 8L * i))
                    && enterAround(mapping, vma, pfn, pte + 8L * i)) {
                ctx.around[i] = -1;
                mapped++;
            }
        }
        ctx.mm.addRss(fileCounter(vma), mapped);
        env.tables.pteUnmapUnlock(pte, ctx.guard);
        dropAround(ctx, count);
    }

    @KernelFunction(value = "filemap_map_pages", file = "mm/filemap.c")
    @RequiresLock("PAGE_TABLE_LOCK")
    private boolean enterAround(AddressSpace mapping, Vma vma, long pfn, long pte) {
        if (!env.cache.tryLockPage(pfn)) {
            return false;
        }
        boolean valid = env.frames.mapping(pfn) == mapping
                && env.frames.test(pfn, PageFlags.UPTODATE)
                && env.frames.index(pfn) < mapping.sizePages();
        if (valid) {
            env.rmap.addFile(pfn, vma);
            env.tables.setPte(pte, Pte.mkYoung(Pte.of(pfn, vma.pageProt())));
        }
        env.cache.unlockPage(pfn);
        return valid;
    }

    private void dropAround(FaultContext ctx, int count) {
        for (int i = 0; i < count; i++) {
            if (ctx.around[i] >= 0) {
                env.allocator.putPage(ctx.around[i]);
                ctx.around[i] = -1;
            }
        }
    }
}
