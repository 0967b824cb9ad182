package faultline.mmu.file;

import faultline.mmu.table.PageTableOwner;

/**
 * A mapping as the objects see it whose pages it shows: as much of a {@code vm_area_struct} as reverse lookup needs.
 *
 * <p>{@code mm.Vma} implements it; the layers below {@code mm} know no more than this. Bounds and page offset are read
 * under the lock of the tree through which the mapping was found; whoever changes them holds that lock too.
 */
public interface MappedArea {
    /** First address, page-aligned. */
    long start();

    /** First address behind, page-aligned. */
    long end();

    /** Page of the mapped object that is shown at {@link #start()}. */
    long pgoff();

    /** {@code VM_*} bits with Linux's values. */
    long flags();

    /** The address space that holds the mapping. */
    PageTableOwner mm();

    /** The place of the mapping in the i_mmap tree of its file; for {@link AddressSpace} to link. */
    IntervalNode sharedNode();

    /** The place of the mapping in its anonymous reverse map. */
    IntervalNode anonNode();
}
