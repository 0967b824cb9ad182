/**
 * Kernel same-page merging: pages of equal content in areas that MADV_MERGEABLE names become one page, mapped read-only
 * in all places, until somebody stores.
 *
 * <p>{@link faultline.mmu.ksm.Ksm} is what others see. {@code KsmScan} goes round the address spaces, {@code KsmTrees}
 * knows what it has seen, {@code KsmMerge} makes two places share a page, {@code KsmPages} says which frames are
 * shared, {@code Ksmd} is the scanner's thread.
 *
 * <p>A shared page's frame bears {@code PageFlags.KSM}, is anonymous, nobody's own, and on none of reclaim's lists: it
 * is never swapped out, unlike Linux's. The reverse map does not lead to where it is mapped; nobody but reclaim would
 * ask.
 * A store to it copies, as to any page that is not the mapping's own ({@code WriteProtectFault}), and so does whoever
 * pins it for writing.
 *
 * <pre>
 * KSM_LOCK (sleeps)               the scanner; trees, items, settings
 *   MMAP_LOCK, shared             of one address space at a time, tried
 *     PAGE_LOCK                   of the page that is to be replaced, tried
 *       PAGE_TABLE_LOCK           of its entry: made read-only, compared, replaced
 *         KSM_PAGE_LOCK           whether a shared page's frame is still there
 * </pre>
 *
 * <p>Where Linux orders its trees by content, checksums of 64 bits find what is then compared. There is one node, so
 * nothing to keep from being merged across nodes.
 */
package faultline.mmu.ksm;
