package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Thp;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.table.HugePmd;
import faultline.mmu.table.Pte;

/**
 * Faults that a PMD entry decides: the first touch of 2 MiB that may be one huge page, and accesses to a huge page.
 *
 * <pre>
 *   entry                 read                        write
 *   none                  huge page of zeros          new huge page
 *   huge page of zeros    accessed bit                new huge page in its place
 *   huge, read-only       accessed bit                nobody else has it: writable; else split, and one small page is copied
 *   huge, writable        accessed bit                dirty bit
 * </pre>
 *
 * <p>Where a huge page is not allowed, does not fit, or is not to be had without waiting, the answer is FALLBACK, and
 * the fault goes on with small pages. Page and page table are made before the lock is taken; under it the entry is
 * looked at again, since another task may have been first with a huge page or with a table (see {@code HugePagesTest}).
 */
final class HugeFault {
    private final FaultEnv env;
    private final HugePmd huge;

    HugeFault(FaultEnv env) {
        this.env = env;
        this.huge = env.tables.huge();
    }

    /**
     * Handles a fault whose PMD entry is not a table.
     *
     * @param pmd the entry as it was read, without lock
     * @return a set of {@link VmFault} bits; FALLBACK alone for small pages
     */
    @RequiresLock("MMAP_LOCK:read")
    int handle(FaultContext ctx, long pmd) {
        if (Pte.isNone(pmd)) {
            boolean wanted = Thp.isSuitable(ctx.vma, ctx.page) && Thp.isAllowed(ctx.vma);
            return wanted ? create(ctx) : VmFault.FALLBACK;
        }
        if (!Pte.isHuge(pmd)) {
            return VmFault.FALLBACK;
        }
        ctx.path = FaultPath.HUGE;
        return ctx.isWrite() && !Pte.isWrite(pmd) ? writeProtected(ctx, pmd) : setAccessed(ctx);
    }

    // ---- nothing there yet

    @KernelFunction(value = "do_huge_pmd_anonymous_page", file = "mm/huge_memory.c")
    private int create(FaultContext ctx) {
        Rmap.prepare(ctx.vma);
        if (!ctx.isWrite()) {
            long zero = env.hugeZero();
            return zero < 0 ? VmFault.FALLBACK : map(ctx, zero, Pte.mkSpecial(entryOf(zero, ctx.vma)), false);
        }
        long head = env.allocZeroedHuge(ctx.mm);
        return head < 0 ? VmFault.FALLBACK : map(ctx, head, writableEntry(head, ctx.vma), true);
    }

    private static long entryOf(long head, Vma vma) {
        return Pte.mkHuge(Pte.of(head, vma.pageProt()));
    }

    private static long writableEntry(long head, Vma vma) {
        long entry = Pte.mkDirty(Pte.mkYoung(entryOf(head, vma)));
        return vma.has(VmFlags.WRITE) ? Pte.mkWrite(entry) : entry;
    }

    /**
     * Enters the page with a table laid by. @param counted whether it is ours, to be given back when another task was
     * first
     */
    @KernelFunction(value = "map_anon_folio_pmd", file = "mm/huge_memory.c")
    private int map(FaultContext ctx, long head, long entry, boolean counted) {
        ctx.path = FaultPath.HUGE;
        long table = env.tables.newPteTable();
        if (table < 0) {
            drop(head, counted);
            return VmFault.OOM;
        }
        var lock = env.tables.pmdLockptr(ctx.mm, ctx.pmdEntry);
        lock.lock();
        boolean first = Pte.isNone(env.phys.getLong(ctx.pmdEntry));
        if (first) {
            huge.deposit(ctx.pmdEntry, table);
            ctx.mm.addNrPtes(1);
            if (counted) {
                ctx.mm.addRss(MmStruct.ANONPAGES, HugePmd.FRAMES);
                env.rmap.addNewAnon(head, ctx.vma, ctx.vma.pageIndex(ctx.page & Page.PMD_MASK));
            }
            env.phys.putLongRelease(ctx.pmdEntry, entry);
        }
        lock.unlock();
        if (!first) {
            ctx.path = FaultPath.SPURIOUS;
            env.tables.freeTable(table);
            drop(head, counted);
        }
        return 0;
    }

    private void drop(long head, boolean counted) {
        if (counted) {
            env.allocator.putPage(head);
        }
    }

    // ---- a huge page there

    @KernelFunction(value = "huge_pmd_set_accessed", file = "mm/huge_memory.c")
    private int setAccessed(FaultContext ctx) {
        if (!huge.lock(ctx.mm, ctx.pmdEntry, ctx.guard)) {
            return 0;
        }
        ctx.path = FaultPath.SPURIOUS;
        long entry = env.phys.getLong(ctx.pmdEntry);
        if (!ctx.isWrite() || Pte.isWrite(entry)) {
            long bits = ctx.isWrite() ? Pte.ACCESSED | Pte.DIRTY | Pte.SOFT_DIRTY : Pte.ACCESSED;
            if ((entry & bits) != bits) {
                env.phys.getAndOrLong(ctx.pmdEntry, bits);
            } else if (ctx.isWrite()) {
                ctx.mm.tlb().flushPage(ctx.page);
            }
        }
        ctx.guard.close();
        return 0;
    }

    @KernelFunction(value = "do_huge_pmd_wp_page", file = "mm/huge_memory.c")
    private int writeProtected(FaultContext ctx, long seen) {
        if (Pte.isSpecial(seen)) {
            return replaceZero(ctx);
        }
        if (!huge.lock(ctx.mm, ctx.pmdEntry, ctx.guard)) {
            return 0;
        }
        long entry = env.phys.getLong(ctx.pmdEntry);
        if (Pte.isSpecial(entry) || Pte.isWrite(entry)) {
            ctx.guard.close();
            return 0;
        }
        if (canReuse(Pte.pfn(entry))) {
            long rights = ctx.vma.has(VmFlags.WRITE) ? Pte.RW : 0;
            env.phys.getAndOrLong(ctx.pmdEntry, rights | Pte.ACCESSED | Pte.DIRTY | Pte.SOFT_DIRTY);
            ctx.guard.close();
            return VmFault.WRITE;
        }
        huge.splitLocked(ctx.pmdEntry, 0);
        ctx.guard.close();
        return VmFault.FALLBACK;
    }

    /** Whether nobody but this entry can reach the huge page: then it is this mapping's own from now on. */
    @RequiresLock("PAGE_TABLE_LOCK")
    private boolean canReuse(long head) {
        if (env.frames.test(head, PageFlags.ANON_EXCLUSIVE)) {
            return true;
        }
        if (env.frames.refcount(head) > 1) {
            return false;
        }
        env.frames.set(head, PageFlags.ANON_EXCLUSIVE);
        return true;
    }

    /**
     * The first write to what has only been read. No processor may see old and new at once: the entry is made unusable
     * and its translations flushed before the new page is there. It is not made none, which would tell others that
     * nothing is mapped.
     */
    @KernelFunction(value = "do_huge_zero_wp_pmd", file = "mm/huge_memory.c")
    private int replaceZero(FaultContext ctx) {
        Rmap.prepare(ctx.vma);
        long head = env.allocZeroedHuge(ctx.mm);
        if (head < 0) {
            huge.split(ctx.mm, ctx.pmdEntry);
            return VmFault.FALLBACK;
        }
        boolean locked = huge.lock(ctx.mm, ctx.pmdEntry, ctx.guard);
        long entry = locked ? env.phys.getLong(ctx.pmdEntry) : 0;
        boolean same = Pte.isSpecial(entry) && !Pte.isWrite(entry);
        if (same) {
            long start = ctx.page & Page.PMD_MASK;
            env.phys.putLongRelease(ctx.pmdEntry, entry & ~Pte.PRESENT | Pte.PROTNONE);
            ctx.mm.tlb().flushRange(start, start + Page.PMD_SIZE);
            ctx.mm.addRss(MmStruct.ANONPAGES, HugePmd.FRAMES);
            env.rmap.addNewAnon(head, ctx.vma, ctx.vma.pageIndex(start));
            env.phys.putLongRelease(ctx.pmdEntry, writableEntry(head, ctx.vma));
        }
        ctx.guard.close();
        if (!same) {
            ctx.path = FaultPath.SPURIOUS;
            env.allocator.putPage(head);
        }
        return same ? VmFault.WRITE : 0;
    }
}
