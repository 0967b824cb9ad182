package faultline.mmu.table;

import faultline.mmu.Errno;
import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Four-level page tables in guest-physical memory: adding tables, the locks of entries, and changing entries. Finding
 * them is {@link PageTableLookup}'s.
 *
 * <p>Tables are added as seed 000 has it: allocate and clear the table first, take the lock, look whether a racing task
 * was first, and if so free one's own. Callers hold the mmap lock, shared is enough: under it no table goes away, so
 * the levels above may be descended without any lock. Entries of upper levels are published with release and read with
 * acquire, so that whoever finds a table finds it cleared. See {@code PageTableAllocationRaceTest}.
 *
 * <p>An entry is named by its guest-physical address. -1 means that there is none.
 *
 * <p>Which lock guards which table:
 *
 * <pre>
 *                 MM                      SPLIT
 *   PGD, PUD      mm->page_table_lock     mm->page_table_lock
 *   PMD           mm->page_table_lock     the PMD table's own
 *   PTE           mm->page_table_lock     the PTE table's own
 * </pre>
 */
public final class PageTables extends PageTableLookup {
    /**
     * What {@link #pteAllocMapLock} and {@link #pteOffsetMapLock} return where a huge page stands in place of a table.
     */
    public static final long HUGE = -2;

    /** Class of {@code mm->page_table_lock}. */
    public static final LockClass PAGE_TABLE_LOCK = new LockClass("page_table", LockRank.PAGE_TABLE_LOCK);

    private static final LockClass PTE_LOCK = new LockClass("pte", LockRank.PAGE_TABLE_LOCK);
    private static final LockClass PMD_LOCK = new LockClass("pmd", LockRank.PAGE_TABLE_LOCK);

    private static final int LEVEL_PTE = 1;
    private static final int LEVEL_PMD = 2;
    private static final int LEVEL_PUD = 3;
    private static final int LEVEL_PGD = 4;

    private final FrameTable frames;
    private final FrameAllocator allocator;
    private final AtomicLong tablesMade = new AtomicLong();
    private final PtlMode mode;
    private final HugePmd huge;
    private volatile long kernelPgd = -1;

    /** The tables of one machine. @param mode which lock guards the entries */
    public PageTables(PhysicalMemory memory, PtlMode mode) {
        super(memory);
        this.frames = memory.frames();
        this.allocator = memory.allocator();
        this.mode = mode;
        this.huge = new HugePmd(this);
    }

    /** Huge pages in PMD entries. */
    public HugePmd huge() {
        return huge;
    }

    // ---- adding tables

    /**
     * Makes an empty top table that shares the kernel half of all others.
     *
     * @return its guest-physical address, or -1 when there is no memory
     */
    @KernelFunction("pgd_alloc")
    @Injectable(value = "mm/pgd_alloc", mayWait = true)
    public long allocPgd() {
        long pfn = newTable(LEVEL_PGD, 0);
        if (pfn < 0) {
            return -1;
        }
        long pgd = Page.address(pfn);
        long kernel = kernelPgd;
        if (kernel >= 0) {
            // Complete from the start: InitMm makes all PUD tables of the kernel half before the first process.
            memory.copy(kernel + Page.SIZE / 2, pgd + Page.SIZE / 2, Page.SIZE / 2);
        }
        return pgd;
    }

    /** Frees a top table whose user half is empty ({@link PageTableReaper}). */
    @KernelFunction("pgd_free")
    public void freePgd(long pgd) {
        freeTable(Page.pfn(pgd));
    }

    /** Sets the top table whose upper half all later ones share. */
    public void setKernelPgd(long pgd) {
        kernelPgd = pgd;
    }

    /**
     * The PUD entry of an address; adds the table where there is none.
     *
     * @return the entry, or -1 for ENOMEM
     */
    @KernelFunction("pud_alloc")
    @RequiresLock("MMAP_LOCK:read")
    @Injectable(value = "mm/pud_alloc", mayWait = true)
    public long pudAlloc(PageTableOwner mm, long pgdEntry, long address) {
        if (!Pte.isTable(memory.getLongAcquire(pgdEntry)) && !addPud(mm, pgdEntry, address)) {
            return -1;
        }
        return pudOffset(pgdEntry, address);
    }

    @KernelFunction("__pud_alloc")
    private boolean addPud(PageTableOwner mm, long pgdEntry, long address) {
        long pfn = newTable(LEVEL_PUD, address);
        if (pfn < 0) {
            return false;
        }
        if (install(mm.pageTableLock(), pgdEntry, pfn, address)) {
            mm.addNrPuds(1);
        }
        return true;
    }

    /**
     * The PMD entry of an address; adds the table where there is none.
     *
     * @return the entry, or -1 for ENOMEM
     */
    @KernelFunction("pmd_alloc")
    @RequiresLock("MMAP_LOCK:read")
    @Injectable(value = "mm/pmd_alloc", mayWait = true)
    public long pmdAlloc(PageTableOwner mm, long pudEntry, long address) {
        if (!Pte.isTable(memory.getLongAcquire(pudEntry)) && !addPmd(mm, pudEntry, address)) {
            return -1;
        }
        return pmdOffset(pudEntry, address);
    }

    @KernelFunction("__pmd_alloc")
    private boolean addPmd(PageTableOwner mm, long pudEntry, long address) {
        long pfn = newTable(LEVEL_PMD, address);
        if (pfn < 0) {
            return false;
        }
        if (install(mm.pageTableLock(), pudEntry, pfn, address)) {
            mm.addNrPmds(1);
        }
        return true;
    }

    /**
     * Makes sure that a PMD entry is populated: with a table of PTEs, unless a racing task put a huge page there.
     *
     * @return 0 or -ENOMEM
     */
    @KernelFunction("pte_alloc")
    @RequiresLock("MMAP_LOCK:read")
    @Injectable(value = "mm/pte_alloc", error = -12, mayWait = true)
    public int pteAlloc(PageTableOwner mm, long pmdEntry, long address) {
        return Pte.isNone(memory.getLongAcquire(pmdEntry)) ? addPte(mm, pmdEntry, address) : 0;
    }

    @KernelFunction("__pte_alloc")
    private int addPte(PageTableOwner mm, long pmdEntry, long address) {
        long pfn = newTable(LEVEL_PTE, address);
        if (pfn < 0) {
            return -Errno.ENOMEM;
        }
        if (install(pmdLockptr(mm, pmdEntry), pmdEntry, pfn, address)) {
            mm.addNrPtes(1);
        }
        return 0;
    }

    /** As {@link #pgdOffset}, {@link #pudAlloc}, {@link #pmdAlloc} in turn. @return the PMD entry, or -1 for ENOMEM */
    @RequiresLock("MMAP_LOCK:read")
    public long allocToPmd(PageTableOwner mm, long address) {
        long pudEntry = pudAlloc(mm, pgdOffset(mm.pgd(), address), address);
        return pudEntry < 0 ? -1 : pmdAlloc(mm, pudEntry, address);
    }

    /**
     * Points an empty entry to a table.
     *
     * <p>A racing task may have done so since the caller looked, also with a huge page: then ours, which nobody else
     * ever saw, goes back.
     *
     * @return whether it was ours
     */
    private boolean install(SpinLock lock, long entry, long pfn, long address) {
        lock.lock();
        boolean first = Pte.isNone(memory.getLong(entry));
        if (first) {
            memory.putLongRelease(entry, Pte.of(pfn, address < 0 ? Pte.KERNEL_TABLE : Pte.TABLE));
        }
        lock.unlock();
        if (!first) {
            freeTable(pfn);
        }
        return first;
    }

    /** Makes a cleared table of PTEs that nothing points to yet. @return its frame, or -1 */
    @KernelFunction("pte_alloc_one")
    @Injectable(value = "mm/pte_alloc_one", mayWait = true)
    public long newPteTable() {
        return newTable(LEVEL_PTE, 0);
    }

    private long newTable(int level, long address) {
        long pfn = allocator.allocZeroedPage();
        if (pfn >= 0) {
            tablesMade.getAndIncrement();
            frames.set(pfn, address < 0 ? PageFlags.TABLE | PageFlags.KERNEL : PageFlags.TABLE);
            frames.setPrivateData(pfn, level);
            if (mode == PtlMode.SPLIT && level <= LEVEL_PMD) {
                frames.setMapping(pfn, new SpinLock(level == LEVEL_PTE ? PTE_LOCK : PMD_LOCK));
            }
        }
        return pfn;
    }

    /** Frees a table that no entry, no TLB and no walker can reach. */
    public void freeTable(long pfn) {
        frames.clear(pfn, PageFlags.TABLE);
        allocator.putPage(pfn);
    }

    /** Tables of all levels made so far. */
    public long tablesMade() {
        return tablesMade.get();
    }

    // ---- mapping an entry and its lock

    /** The lock of the PTEs in the table that a PMD entry points to. */
    @KernelFunction("pte_lockptr")
    public SpinLock pteLockptr(PageTableOwner mm, long pmdEntry) {
        return mode == PtlMode.MM ? mm.pageTableLock() : lockOf(memory.getLongAcquire(pmdEntry));
    }

    private SpinLock lockOf(long entry) {
        return (SpinLock) frames.mapping(Pte.pfn(entry));
    }

    /** The lock of a PMD entry, or of a PUD entry for a page of 1 GiB: PUD tables have none of their own. */
    @KernelFunction("pmd_lockptr")
    public SpinLock pmdLockptr(PageTableOwner mm, long pmdEntry) {
        SpinLock own = mode == PtlMode.MM ? null : (SpinLock) frames.mapping(Page.pfn(pmdEntry));
        return own != null ? own : mm.pageTableLock();
    }

    /**
     * Maps the PTE of an address with its lock held, adding the table where there is none.
     *
     * @param guard receives entry and lock
     * @return the entry, -1 for ENOMEM, {@link #HUGE} when a huge page stands there; nothing is held with the latter
     *     two
     */
    @KernelFunction("pte_alloc_map_lock")
    @RequiresLock("MMAP_LOCK:read")
    public long pteAllocMapLock(PageTableOwner mm, long pmdEntry, long address, PtlGuard guard) {
        while (true) {
            if (Pte.isNone(memory.getLongAcquire(pmdEntry)) && pteAlloc(mm, pmdEntry, address) != 0) {
                return -1;
            }
            long pte = pteOffsetMapLock(mm, pmdEntry, address, guard);
            if (pte != -1) {
                return pte;
            }
        }
    }

    /**
     * Maps the PTE of an address with its lock held.
     *
     * <p>Between reading the PMD entry and getting the lock a task that holds what we do not (mremap with the
     * reverse-map locks, a collapse into a huge page) may have taken the table away: so the entry is read again under
     * the lock.
     *
     * @param guard receives entry and lock
     * @return the entry, -1 when there is no table, {@link #HUGE} when a huge page stands there; nothing is held with
     *     the latter two
     */
    @KernelFunction("pte_offset_map_lock")
    public long pteOffsetMapLock(PageTableOwner mm, long pmdEntry, long address, PtlGuard guard) {
        while (true) {
            long pmd = memory.getLongAcquire(pmdEntry);
            if (!Pte.isTable(pmd)) {
                return Pte.isHuge(pmd) ? HUGE : -1;
            }
            SpinLock lock = mode == PtlMode.MM ? mm.pageTableLock() : lockOf(pmd);
            if (lock == null) {
                continue;
            }
            lock.lock();
            if (Pte.address(memory.getLongAcquire(pmdEntry)) == Pte.address(pmd)) {
                long pte = Pte.address(pmd) + 8L * pteIndex(address);
                guard.hold(lock, pte);
                return pte;
            }
            lock.unlock();
        }
    }

    /**
     * Maps a second PTE while {@code outer} holds another: mremap's destination. The caller holds the mmap lock
     * exclusively, so that no other task takes the same two locks in the other order, or orders them by where they lie.
     * The table cannot go away.
     *
     * @param guard receives the entry, and the lock unless it is the same as the outer one
     */
    @KernelFunction("pte_offset_map_nested")
    @RequiresLock({"MMAP_LOCK:read", "PAGE_TABLE_LOCK"})
    public long pteOffsetMapNested(PageTableOwner mm, long pmdEntry, long address, PtlGuard outer, PtlGuard guard) {
        SpinLock lock = pteLockptr(mm, pmdEntry);
        if (lock == outer.lock()) {
            lock = null;
        } else {
            lock.lockNested();
        }
        guard.hold(lock, pteOffset(pmdEntry, address));
        return guard.pte();
    }

    /** Unmaps an entry and releases its lock. */
    @KernelFunction("pte_unmap_unlock")
    public void pteUnmapUnlock(long pte, PtlGuard guard) {
        guard.close();
    }

    // ---- entries

    /** Reads an entry. Without its lock the processor, or another task, may change it at once. */
    @KernelFunction("ptep_get")
    public long getPte(long pte) {
        return memory.getLongAcquire(pte);
    }

    /**
     * Sets an entry that the processor does not change meanwhile: one that was not present, one whose bits only this
     * lock's holder changes, or one taken away for good. All entries of user pages are written here or by the methods
     * below, so that a probe sees them.
     */
    @KernelFunction("set_pte_at")
    @RequiresLock("PAGE_TABLE_LOCK")
    public void setPte(long pte, long value) {
        memory.putLongRelease(pte, value);
    }

    /**
     * Takes an entry out, with the accessed and dirty bits that the processor set up to this moment.
     *
     * <p>An entry in which the processor has nothing left to set needs no atomic exchange: with accessed set, and dirty
     * set or no right to write.
     */
    @KernelFunction("ptep_get_and_clear")
    @RequiresLock("PAGE_TABLE_LOCK")
    public long ptepGetAndClear(long pte) {
        long seen = memory.getLong(pte);
        boolean settled = (seen & Pte.ACCESSED) != 0 && (seen & (Pte.DIRTY | Pte.RW)) != Pte.RW;
        if (Pte.isHardwarePresent(seen) && !settled) {
            return memory.getAndSetLong(pte, 0);
        }
        memory.putLongRelease(pte, 0);
        return seen;
    }

    /** Clears accessed. @return whether it was set. The TLB is the caller's; Linux leaves it unflushed on x86. */
    @KernelFunction("ptep_test_and_clear_young")
    @RequiresLock("PAGE_TABLE_LOCK")
    public boolean ptepTestAndClearYoung(long pte) {
        return Pte.isYoung(memory.getLong(pte)) && Pte.isYoung(memory.getAndAndLong(pte, ~Pte.ACCESSED));
    }
}
