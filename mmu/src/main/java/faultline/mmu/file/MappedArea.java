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

    /** Whether pages of the object may stand elsewhere in it than their number says (remap_file_pages). */
    boolean isNonlinear();

    /** The address space that holds the mapping. */
    PageTableOwner mm();

    /** The place of the mapping among the mappings of its file; for {@link FileAreas} to link. */
    IntervalNode sharedNode();

    /** The place of the mapping in its anonymous reverse map. */
    IntervalNode anonNode();
}
