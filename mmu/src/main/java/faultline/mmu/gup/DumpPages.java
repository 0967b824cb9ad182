package faultline.mmu.gup;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultEnv;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;

/**
 * Reads an address space for a core dump.
 *
 * <p>An enormous anonymous area that nobody has touched costs nothing: where there is no page table the page of zeros
 * stands for what is there, and none is made (seed 001). For a use by one thread.
 */
public final class DumpPages {
    /** Nothing but zeros, or nothing that could be read. */
    public static final long HOLE = -1;

    private final GetUserPages gup;
    private final PageTables tables;
    private final PhysicalMemory phys;
    private final long zeroPfn;
    private final long[] page = new long[1];

    /** Dumps by way of {@code gup} in the machine of {@code env}. */
    public DumpPages(GetUserPages gup, FaultEnv env) {
        this.gup = gup;
        this.tables = env.tables();
        this.phys = env.cache().phys();
        this.zeroPfn = env.zeroPfn();
    }

    /**
     * Pins the page at an address, whatever the mapping's rights; takes the mmap lock.
     *
     * @return its frame, with a reference for the caller to drop; or {@link #HOLE}
     */
    @KernelFunction(value = "get_dump_page", file = "mm/gup.c")
    public long pin(MmStruct mm, long address, FaultContext ctx) {
        // Who provides pages may be dead: what is not there is not dumped (PF_DUMPCORE).
        ctx.withoutUserSpace = true;
        mm.mmapLock().readLock();
        try {
            if (gup.getUserPages(mm, ctx, address, 1, false, true, page, null) != 1) {
                return HOLE;
            }
        } finally {
            mm.mmapLock().readUnlock();
            ctx.withoutUserSpace = false;
        }
        if (page[0] != zeroPfn) {
            return page[0];
        }
        phys.allocator().putPage(zeroPfn);
        return HOLE;
    }

    /**
     * The first address from {@code address} on, at most {@code end}, that need not be a hole: in anonymous memory that
     * is not locked spans without a page table are passed over at once, and so are huge pages of the pool that nobody
     * touched.
     *
     * <p>The address space's tasks have stopped: no mapping changes.
     */
    public long skipUntouched(Vma vma, long address, long end) {
        boolean pooled = vma.has(VmFlags.HUGETLB);
        if (!pooled && (!vma.isAnonymous() || vma.has(VmFlags.LOCKED))) {
            return address;
        }
        long step = pooled ? vma.ops().pageSize() : Page.PMD_SIZE;
        long at = address;
        while (at < end) {
            long pmdEntry = tables.walkToHuge(vma.mm().pgd(), at, step);
            if (pmdEntry >= 0 && !Pte.isNone(phys.getLongAcquire(pmdEntry))) {
                return at;
            }
            if (pooled && vma.file().mapping().isCached(vma.pageIndex(at & -step))) {
                return at;
            }
            at = (at & -step) + step;
        }
        return end;
    }
}
