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

    /** Its page tables below the top one, counted. */
    TableCounts tableCounts();

    /** Counts tables of PTEs (mm_inc_nr_ptes). Called concurrently. */
    default void addNrPtes(int delta) {
        tableCounts().ptes.getAndAdd(delta);
    }

    /** Counts tables of PMDs (mm_inc_nr_pmds). Called concurrently. */
    default void addNrPmds(int delta) {
        tableCounts().pmds.getAndAdd(delta);
    }

    /** Counts tables of PUDs (mm_inc_nr_puds). Called concurrently. */
    default void addNrPuds(int delta) {
        tableCounts().puds.getAndAdd(delta);
    }

    /** Tables of PTEs. */
    default int nrPtes() {
        return tableCounts().ptes.get();
    }

    /** Tables of PMDs. */
    default int nrPmds() {
        return tableCounts().pmds.get();
    }

    /** Tables of PUDs. */
    default int nrPuds() {
        return tableCounts().puds.get();
    }
}
