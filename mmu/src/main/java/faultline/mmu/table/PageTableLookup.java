package faultline.mmu.table;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;

/**
 * Finds entries in four-level page tables: adds none, takes no lock. {@link PageTables} says who may call when.
 *
 * <p>An entry is named by its guest-physical address. -1 means that there is none.
 */
public abstract class PageTableLookup {
    /** Entries of a table. */
    public static final int ENTRIES = 512;

    /** Where the tables are. */
    protected final PhysicalMemory memory;

    PageTableLookup(PhysicalMemory memory) {
        this.memory = memory;
    }

    /** The memory that the tables are in. */
    public PhysicalMemory memory() {
        return memory;
    }

    // ---- indices

    /** Index of an address in the top table, 0 to 511. */
    public static int pgdIndex(long address) {
        return (int) (address >>> Page.PGD_SHIFT) & ENTRIES - 1;
    }

    /** Index of an address in its PUD table, 0 to 511. */
    public static int pudIndex(long address) {
        return (int) (address >>> Page.PUD_SHIFT) & ENTRIES - 1;
    }

    /** Index of an address in its PMD table, 0 to 511. */
    public static int pmdIndex(long address) {
        return (int) (address >>> Page.PMD_SHIFT) & ENTRIES - 1;
    }

    /** Index of an address in its PTE table, 0 to 511. */
    public static int pteIndex(long address) {
        return (int) (address >>> Page.SHIFT) & ENTRIES - 1;
    }

    // ---- descending

    /** The PGD entry of an address. @param pgd address of the top table */
    @KernelFunction("pgd_offset")
    public long pgdOffset(long pgd, long address) {
        return pgd + 8L * pgdIndex(address);
    }

    /** The PUD entry of an address. @param pgdEntry points to a table */
    @KernelFunction("pud_offset")
    public long pudOffset(long pgdEntry, long address) {
        return Pte.address(memory.getLongAcquire(pgdEntry)) + 8L * pudIndex(address);
    }

    /** The PMD entry of an address. @param pudEntry points to a table */
    @KernelFunction("pmd_offset")
    public long pmdOffset(long pudEntry, long address) {
        return Pte.address(memory.getLongAcquire(pudEntry)) + 8L * pmdIndex(address);
    }

    /** The PTE of an address. @param pmdEntry points to a table, and cannot change: its lock is held */
    @KernelFunction("pte_offset_kernel")
    public long pteOffset(long pmdEntry, long address) {
        return Pte.address(memory.getLongAcquire(pmdEntry)) + 8L * pteIndex(address);
    }

    /**
     * The PUD entry of an address.
     *
     * @return -1 when there is no PUD table
     */
    public long walkToPud(long pgd, long address) {
        long pgdEntry = pgdOffset(pgd, address);
        return Pte.isTable(memory.getLongAcquire(pgdEntry)) ? pudOffset(pgdEntry, address) : -1;
    }

    /**
     * The PMD entry of an address, whatever stands in it.
     *
     * <p>The caller holds the mmap lock, or the i_mmap or anon_vma lock of an area there.
     *
     * @return -1 when there is no PMD table
     */
    @KernelFunction("mm_find_pmd")
    public long walkToPmd(long pgd, long address) {
        long pudEntry = walkToPud(pgd, address);
        if (pudEntry < 0 || !Pte.isTable(memory.getLongAcquire(pudEntry))) {
            return -1;
        }
        return pmdOffset(pudEntry, address);
    }

    /** As {@link #walkToPmd}, but the PUD entry where a page of 1 GiB stands there. */
    public long walkToEntry(long pgd, long address) {
        long pudEntry = walkToPud(pgd, address);
        if (pudEntry < 0) {
            return -1;
        }
        long pud = memory.getLongAcquire(pudEntry);
        return Pte.isTable(pud) ? pmdOffset(pudEntry, address) : Pte.isHuge(pud) ? pudEntry : -1;
    }

    /**
     * The entry that a huge page of the pool stands in, if one does: a PMD entry, or a PUD entry for 1 GiB.
     *
     * @param size of a page there
     * @return -1 when there is no table for it
     */
    @KernelFunction("hugetlb_walk")
    public long walkToHuge(long pgd, long address, long size) {
        return size == Page.PUD_SIZE ? walkToPud(pgd, address) : walkToPmd(pgd, address);
    }
}
