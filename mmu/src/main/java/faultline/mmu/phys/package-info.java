/**
 * Guest-physical memory, the table of its frames, and their allocator.
 *
 * <p>Locks, outermost first: {@code FRAME_CACHE_LOCK} of one cache, then {@code LRU_LOCK} of the lists by last use, or
 * {@code FRAME_ALLOCATOR_LOCK} of the free lists. Nothing else is taken inside them, so they may be taken under any
 * other lock. Reclaim runs outside of all.
 *
 * <table>
 * <caption>What guards what</caption>
 * <tr><th>state of a frame</th><th>guarded by</th></tr>
 * <tr><td>flags, references, mappings by page tables</td><td>atomic</td></tr>
 * <tr><td>LRU, and of a frame with LRU what decides about its list</td><td>LRU_LOCK</td></tr>
 * <tr><td>mapping object, index</td><td>the page lock (LOCKED), or whoever allocated the frame until it is
 * published</td></tr>
 * <tr><td>private value</td><td>the page lock; for tables, set once; for tails of compound pages, the
 * reference</td></tr>
 * <tr><td>all of it, while FREE</td><td>the allocator's lock</td></tr>
 * </table>
 */
package faultline.mmu.phys;
