package faultline.mmu.table;

import faultline.mmu.lock.SpinLock;
import faultline.mmu.tlb.AddressSpaceTlb;

/** An address space as the page tables see it: {@code struct mm_struct}'s part of it. */
public interface PageTableOwner {
    /** Guest-physical address of the top table. */
    long pgd();

    /** The lock of upper tables, and of all of them with {@link PtlMode#MM}. */
    SpinLock pageTableLock();

    /** Who caches translations of this address space. */
    AddressSpaceTlb tlb();

    /** Counts tables of PTEs (mm_inc_nr_ptes). Called concurrently. */
    void addNrPtes(int delta);

    /** Counts tables of PMDs. Called concurrently. */
    void addNrPmds(int delta);

    /** Counts tables of PUDs. Called concurrently. */
    void addNrPuds(int delta);
}
