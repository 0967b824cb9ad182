/**
 * The reverse map: from a frame to the page-table entries that show it.
 *
 * <p>Lock order: {@code i_mmap lock} or {@code anon_vma lock}, then a page-table lock, then the page cache's lock. The
 * lock of the tree that leads to an area keeps the area's bounds and its page tables in place; the page-table lock
 * keeps the entry.
 */
package faultline.mmu.rmap;
