package faultline.mmu.table;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.lock.SpinWait;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;

/**
 * Moves page-table entries of one mapping to another place: one operation an object.
 *
 * <p>By extents (seed 004) an extent ends where the source table ends, where the destination table ends, or after 64
 * pages, whichever is first, so that the page-table lock is never held longer than a latency budget allows; a
 * destination table is added only where the source has one.
 *
 * <pre>
 *   old:  |----pmd----|----pmd----|        extents:  [a][bb][c]…
 *   new:     |----pmd----|----pmd----|
 * </pre>
 *
 * The two other ways are {@link MoveMode#PAGE}, an extent being one page and a destination table being added only for a
 * page that is there, and {@link MoveMode#PMD}, where a table (or huge page) that is aligned on both sides changes its
 * place as a whole.
 *
 * <p>Before a lock of moved entries is dropped, the old range is flushed: once it is dropped another task may find a
 * page at its new place and free it while a processor still writes through the old translation (CVE-2018-18281). Moved
 * entries become soft-dirty, except those that move with their table: Linux has the new area soft-dirty as a whole.
 *
 * <p>Preconditions: the caller holds the mmap lock exclusively; both ranges are page-aligned and do not overlap;
 * nothing is mapped in the new one.
 */
@KernelFunction(value = "move_page_tables", file = "mm/mremap.c")
public final class PageTableMover {
    /** Pages moved with the page-table lock held once. */
    public static final int LATENCY_LIMIT = 64;

    private static final int DONE = 0;
    private static final int NO_MEMORY = 1;
    private static final int NOT_SO = 2;

    private final PageTables tables;
    private final PhysicalMemory memory;
    private final PageTableOwner mm;
    private final MoveMode mode;
    private final MoveHook hook;
    private final PtlGuard source = new PtlGuard();
    private final PtlGuard destination = new PtlGuard();

    private long oldAddress;
    private long newAddress;
    private long oldEnd;

    /** @param hook locks of whoever looks for pages of the areas, see {@link MoveHook} */
    public PageTableMover(PageTables tables, PageTableOwner mm, MoveMode mode, MoveHook hook) {
        this.tables = tables;
        this.memory = tables.memory();
        this.mm = mm;
        this.mode = mode;
        this.hook = hook;
    }

    /**
     * Moves all entries of a range.
     *
     * @param from start of the old range
     * @param to start of the new one
     * @param length bytes
     * @return bytes moved: {@code length}, or less when a destination table could not be had; the caller then moves
     *     those back
     */
    @KernelFunction("move_page_tables")
    @RequiresLock("MMAP_LOCK")
    public long move(long from, long to, long length) {
        oldAddress = from;
        newAddress = to;
        oldEnd = from + length;
        while (oldAddress < oldEnd) {
            SpinWait.poll();
            long moved = mode == MoveMode.PAGE ? movePage() : moveExtent();
            if (moved < 0) {
                break;
            }
            oldAddress += moved;
            newAddress += moved;
        }
        return length - (oldEnd - oldAddress);
    }

    // ---- by extents, or larger

    /** Moves what one step can. @return bytes done, or -1 for ENOMEM */
    private long moveExtent() {
        long extent = Math.min(toEndOfTable(oldAddress), oldEnd - oldAddress);
        long oldPmd = getOldPmd(oldAddress);
        if (oldPmd < 0) {
            return isGigantic(oldAddress) ? moveGigantic() : extent;
        }
        boolean huge = Pte.isHuge(memory.getLong(oldPmd));
        if (extent == Page.PMD_SIZE && Page.offsetInPmd(newAddress) == 0 && (mode == MoveMode.PMD || huge)) {
            int result = moveTable(oldPmd);
            if (result != NOT_SO) {
                return result == DONE ? extent : -1;
            }
        }
        if (huge && !hook.splitHugePmd(oldPmd, oldAddress)) {
            return -1;
        }
        long newPmd = allocNewPmd();
        if (newPmd < 0) {
            return -1;
        }
        extent = Math.min(extent, toEndOfTable(newAddress));
        extent = Math.min(extent, LATENCY_LIMIT * Page.SIZE);
        movePtes(oldPmd, newPmd, extent);
        return extent;
    }

    private static long toEndOfTable(long address) {
        return Page.PMD_SIZE - Page.offsetInPmd(address);
    }

    /**
     * The entry that points to the table of an address. No lock: we have the mmap lock exclusively. @return -1 if there
     * is no table
     */
    @KernelFunction("get_old_pmd")
    private long getOldPmd(long address) {
        long pmd = tables.walkToPmd(mm.pgd(), address);
        return pmd < 0 || Pte.isNone(memory.getLong(pmd)) ? -1 : pmd;
    }

    /** The entry of the new address, pointing to a table. @return -1 for ENOMEM */
    @KernelFunction("alloc_new_pmd")
    private long allocNewPmd() {
        long pmd = tables.allocToPmd(mm, newAddress);
        return pmd < 0 || tables.pteAlloc(mm, pmd, newAddress) != 0 ? -1 : pmd;
    }

    /** Moves the entries of one extent, which lies within one table on both sides. */
    @KernelFunction("move_ptes")
    private void movePtes(long oldPmd, long newPmd, long extent) {
        boolean clearsUffdWp = hook.clearsUffdWp();
        hook.lock();
        long from = tables.pteOffsetMapLock(mm, oldPmd, oldAddress, source);
        if (from >= 0) {
            long to = tables.pteOffsetMapNested(mm, newPmd, newAddress, source, destination);
            boolean flush = false;
            for (long end = from + (extent >>> Page.SHIFT - 3); from < end; from += 8, to += 8) {
                if (!Pte.isNone(memory.getLong(from))) {
                    long pte = tables.ptepGetAndClear(from);
                    flush |= Pte.isHardwarePresent(pte);
                    tables.setPte(to, moved(pte, clearsUffdWp));
                }
            }
            if (flush) {
                mm.tlb().flushRange(oldAddress, oldAddress + extent);
            }
            destination.close();
            source.close();
        }
        hook.unlock();
    }

    /** What an entry becomes at its new place (move_pte). */
    @KernelFunction("move_soft_dirty_pte")
    private static long moved(long pte, boolean clearsUffdWp) {
        long softDirty = Pte.mkSoftDirty(pte);
        return clearsUffdWp && Pte.isUffdWp(softDirty) ? Pte.clearUffdWp(softDirty) : softDirty;
    }

    // ---- a whole table

    /**
     * Moves a whole table, or a huge page, by its PMD entry.
     *
     * @return {@link #DONE}, {@link #NO_MEMORY}, or {@link #NOT_SO} when the destination has a table already
     */
    @KernelFunction("move_normal_pmd")
    private int moveTable(long oldPmd) {
        long newPmd = tables.allocToPmd(mm, newAddress);
        if (newPmd < 0) {
            return NO_MEMORY;
        }
        if (!Pte.isNone(memory.getLong(newPmd))) {
            return NOT_SO;
        }
        hook.lockForTable();
        var oldLock = tables.pmdLockptr(mm, oldPmd);
        var newLock = tables.pmdLockptr(mm, newPmd);
        oldLock.lock();
        if (newLock != oldLock) {
            newLock.lockNested();
        }
        // Read under the locks: until they were ours, a collapse in another address space could take the table away
        // (CVE-2024-50066).
        long entry = memory.getLong(oldPmd);
        boolean movable = !Pte.isNone(entry)
                && Pte.isNone(memory.getLong(newPmd))
                && !(hook.clearsUffdWp() && Pte.isTable(entry));
        if (movable) {
            if (Pte.isHuge(entry)) {
                tables.huge().moveDeposit(oldPmd, newPmd);
            }
            entry = tables.ptepGetAndClear(oldPmd);
            memory.putLongRelease(newPmd, Pte.isHuge(entry) ? moved(entry, hook.clearsUffdWp()) : entry);
            mm.tlb().flushRange(oldAddress, oldAddress + Page.PMD_SIZE);
        }
        if (newLock != oldLock) {
            newLock.unlock();
        }
        oldLock.unlock();
        hook.unlockForTable();
        return movable ? DONE : NOT_SO;
    }

    private boolean isGigantic(long address) {
        long pudEntry = tables.walkToPud(mm.pgd(), address);
        return pudEntry >= 0 && Pte.isHuge(memory.getLong(pudEntry));
    }

    /**
     * Moves a page of 1 GiB by its PUD entry; old and new address are multiples of that. One lock guards both entries.
     *
     * @return bytes done, or -1 for ENOMEM
     */
    @KernelFunction("move_huge_pte")
    private long moveGigantic() {
        long newPud = tables.pudAlloc(mm, tables.pgdOffset(mm.pgd(), newAddress), newAddress);
        if (newPud < 0) {
            return -1;
        }
        long oldPud = tables.walkToPud(mm.pgd(), oldAddress);
        hook.lockForTable();
        SpinLock lock = tables.pmdLockptr(mm, oldPud);
        lock.lock();
        long entry = tables.ptepGetAndClear(oldPud);
        tables.setPte(newPud, moved(entry, hook.clearsUffdWp()));
        mm.tlb().flushRange(oldAddress, oldAddress + Page.PUD_SIZE);
        lock.unlock();
        hook.unlockForTable();
        return Page.PUD_SIZE;
    }

    // ---- a page at a time

    /**
     * Moves one page.
     *
     * <p>Whether a destination table is needed is known only with the lock held, and cannot be added with it held: so
     * it is let go for that, and the source looked at again.
     *
     * @return bytes done, or -1 for ENOMEM
     */
    @KernelFunction("move_one_page")
    private long movePage() {
        while (true) {
            long oldPmd = getOldPmd(oldAddress);
            if (oldPmd < 0) {
                return isGigantic(oldAddress) ? moveGigantic() : Page.SIZE;
            }
            if (Pte.isHuge(memory.getLong(oldPmd))) {
                return moveExtent();
            }
            long newPmd = tables.walkToPmd(mm.pgd(), newAddress);
            boolean present = newPmd >= 0 && Pte.isTable(memory.getLong(newPmd));
            if (moveOne(oldPmd, present ? newPmd : -1)) {
                return Page.SIZE;
            }
            if (allocNewPmd() < 0) {
                return -1;
            }
        }
    }

    /** @param newPmd -1 when there is no destination table @return false when there is a page to move and none */
    private boolean moveOne(long oldPmd, long newPmd) {
        boolean done = true;
        hook.lock();
        long from = tables.pteOffsetMapLock(mm, oldPmd, oldAddress, source);
        if (from >= 0) {
            if (!Pte.isNone(memory.getLong(from))) {
                done = newPmd >= 0;
                if (done) {
                    long to = tables.pteOffsetMapNested(mm, newPmd, newAddress, source, destination);
                    long pte = tables.ptepGetAndClear(from);
                    if (Pte.isHardwarePresent(pte)) {
                        mm.tlb().flushPage(oldAddress);
                    }
                    tables.setPte(to, moved(pte, hook.clearsUffdWp()));
                    destination.close();
                }
            }
            source.close();
        }
        hook.unlock();
        return done;
    }
}
