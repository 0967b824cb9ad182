package faultline.mmu.table;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;

/**
 * Huge pages in PMD entries: their lock, the page tables laid by for them, and their replacement by small pages.
 *
 * <p>A transparent huge page has a page table laid by from the moment it is mapped ("deposited"), so that it can always
 * be split: splitting allocates nothing and cannot fail. The tables laid by for the entries of one PMD table form a
 * list that begins in the index of the PMD table's frame; any of them serves any of the entries. They count as tables
 * of PTEs.
 *
 * <pre>
 *   PMD table            frame table                        after a split
 *   [ huge ]─▶ 2 MiB     index of the PMD table's frame     [ table ]─▶ 512 entries ─▶ the same 2 MiB
 *   [ huge ]─▶ 2 MiB        └▶ table ─▶ table ─▶ 0          [ huge  ]─▶ 2 MiB
 * </pre>
 *
 * <p>Splitting an entry leaves the memory where it is. The 512 frames become single ones, each with its own counts, if
 * nobody else refers to them; otherwise (fork, a page pinned for I/O) they stay one compound page, whose head counts
 * references for all, and whose frames are mapped one by one.
 *
 * <p>A split replaces the entry in one step, with accessed and dirty bits as they are in that moment. It is never seen
 * as none in between, since others decide by what they read without a lock whether there is something to unmap.
 * Translations remain valid: frame and rights are the same before and after.
 */
public final class HugePmd {
    /** A huge page is 2^9 frames. */
    public static final int ORDER = Page.PMD_SHIFT - Page.SHIFT;
    /** Frames of a huge page. */
    public static final int FRAMES = 1 << ORDER;

    /** What each frame inherits from the huge page it was part of. */
    private static final int INHERITED = PageFlags.ANON
            | PageFlags.ANON_EXCLUSIVE
            | PageFlags.SWAPBACKED
            | PageFlags.UPTODATE
            | PageFlags.DIRTY
            | PageFlags.REFERENCED
            | PageFlags.ACTIVE;

    private final PageTables tables;
    private final PhysicalMemory memory;
    private final FrameTable frames;
    private volatile long zeroPfn = -1;

    HugePmd(PageTables tables) {
        this.tables = tables;
        this.memory = tables.memory();
        this.frames = memory.frames();
    }

    /** Says which frame of zeros stands for each part of the huge page of zeros when that is split. */
    public void setZeroPage(long pfn) {
        zeroPfn = pfn;
    }

    /**
     * Locks a PMD entry if a huge page stands there.
     *
     * @param guard receives entry and lock
     * @return false, nothing held, when there is none (any more)
     */
    @KernelFunction("pmd_trans_huge_lock")
    @RequiresLock("MMAP_LOCK:read")
    public boolean lock(PageTableOwner mm, long pmdEntry, PtlGuard guard) {
        if (!Pte.isHuge(memory.getLongAcquire(pmdEntry))) {
            return false;
        }
        SpinLock lock = tables.pmdLockptr(mm, pmdEntry);
        lock.lock();
        if (!Pte.isHuge(memory.getLong(pmdEntry))) {
            lock.unlock();
            return false;
        }
        guard.hold(lock, pmdEntry);
        return true;
    }

    /** Bytes of the huge page that an entry points to. */
    public long sizeOf(long entry) {
        return Page.SIZE << frames.order(Pte.pfn(entry));
    }

    /** How far behind the begin of the huge page that an entry points to an address lies, in bytes. */
    public long offsetIn(long entry, long address) {
        return address & sizeOf(entry) - 1;
    }

    /** Whether the mapping of an address begins with a huge page that does not end at it: an area cannot end there. */
    public boolean isInside(PageTableOwner mm, long address) {
        if (Page.offsetInPmd(address) == 0) {
            return false;
        }
        long pmdEntry = tables.walkToPmd(mm.pgd(), address);
        return pmdEntry >= 0 && Pte.isHuge(memory.getLongAcquire(pmdEntry));
    }

    // ---- tables laid by

    /** Lays a table by for the entry that is about to become huge. */
    @KernelFunction("pgtable_trans_huge_deposit")
    @RequiresLock("PAGE_TABLE_LOCK")
    public void deposit(long pmdEntry, long table) {
        long owner = Page.pfn(pmdEntry);
        frames.setIndex(table, frames.index(owner));
        frames.setIndex(owner, table);
    }

    /** Takes a table that was laid by: the entry is not huge any more. */
    @KernelFunction("pgtable_trans_huge_withdraw")
    @RequiresLock("PAGE_TABLE_LOCK")
    public long withdraw(long pmdEntry) {
        long owner = Page.pfn(pmdEntry);
        long table = frames.index(owner);
        if (table == 0) {
            throw new IllegalStateException(
                    "no page table is laid by for the huge page in entry 0x" + Long.toHexString(pmdEntry));
        }
        frames.setIndex(owner, frames.index(table));
        frames.setIndex(table, 0);
        return table;
    }

    /** The huge page of one entry is about to move to another, and its table with it; both locks are held. */
    @KernelFunction("pmd_move_must_withdraw")
    @RequiresLock("PAGE_TABLE_LOCK")
    void moveDeposit(long oldPmd, long newPmd) {
        if (hasDeposit(memory.getLong(oldPmd))) {
            deposit(newPmd, withdraw(oldPmd));
        }
    }

    /** Whether a table is laid by for a huge page: for all but those of the pool, which are never split. */
    public boolean hasDeposit(long entry) {
        return !frames.isValid(Pte.pfn(entry)) || !frames.test(Pte.pfn(entry), PageFlags.HUGETLB);
    }

    /** Frees a table laid by for an entry that has been cleared. No processor ever saw the table. */
    @KernelFunction("zap_deposited_table")
    @RequiresLock("PAGE_TABLE_LOCK")
    public void dropDeposit(PageTableOwner mm, long pmdEntry) {
        tables.freeTable(withdraw(pmdEntry));
        mm.addNrPtes(-1);
    }

    // ---- splitting

    /**
     * Replaces the huge page of an entry, if there still is one, by a table of small pages. No page-table lock is held.
     */
    @KernelFunction("__split_huge_pmd")
    @RequiresLock("MMAP_LOCK:read")
    public void split(PageTableOwner mm, long pmdEntry) {
        if (!Pte.isHuge(memory.getLongAcquire(pmdEntry))) {
            return;
        }
        SpinLock lock = tables.pmdLockptr(mm, pmdEntry);
        lock.lock();
        if (Pte.isHuge(memory.getLong(pmdEntry))) {
            splitLocked(pmdEntry, 0);
        }
        lock.unlock();
    }

    /** As {@link #split} for an address at which an area begins or ends. */
    @KernelFunction("split_huge_pmd_if_needed")
    @RequiresLock("MMAP_LOCK")
    public void splitAt(PageTableOwner mm, long address) {
        if (isInside(mm, address)) {
            split(mm, tables.walkToPmd(mm.pgd(), address));
        }
    }

    /**
     * As {@link #split} with the entry's lock held.
     *
     * @param references of the caller itself to the huge page; they become references to its first frame
     */
    @KernelFunction("__split_huge_pmd_locked")
    @RequiresLock("PAGE_TABLE_LOCK")
    public void splitLocked(long pmdEntry, int references) {
        long table = withdraw(pmdEntry);
        long entry = memory.getLong(pmdEntry);
        if (!Pte.isSpecial(entry)) {
            splitFrames(Pte.pfn(entry), references);
        }
        fill(Page.address(table), entry);
        // The processor may set accessed and dirty until the very moment the table stands there.
        while (!memory.casLong(pmdEntry, entry, Pte.of(table, Pte.TABLE))) {
            entry = memory.getLong(pmdEntry);
            fill(Page.address(table), entry);
        }
    }

    private void fill(long table, long entry) {
        long bits = entry & ~(Pte.PFN_MASK | Pte.PSE);
        boolean zero = Pte.isSpecial(entry);
        long pfn = zero ? zeroPfn : Pte.pfn(entry);
        for (int i = 0; i < FRAMES; i++) {
            memory.putLong(table + 8L * i, Pte.of(zero ? pfn : pfn + i, bits));
        }
    }

    /** Gives each frame what the huge page had: owner, place, state, and one mapping. */
    private void splitFrames(long head, int references) {
        int flags = frames.flags(head) & INHERITED;
        Object owner = frames.mapping(head);
        long index = frames.index(head);
        boolean alone = frames.freezeRefcount(head, 1 + references);
        for (int i = 1; i < FRAMES; i++) {
            frames.setMapping(head + i, owner);
            frames.setIndex(head + i, index + i);
            frames.set(head + i, flags);
            frames.incMapcount(head + i);
        }
        if (!alone) {
            frames.addReferences(head, FRAMES - 1);
            return;
        }
        // From here on reclaim may look at the frames: it finds nothing to do until the table stands in the entry.
        frames.lru().splitCompound(head, 1);
        if (references > 0) {
            frames.addReferences(head, references);
        }
    }
}
