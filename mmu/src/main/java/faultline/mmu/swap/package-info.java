/**
 * Swap area, swap cache, and the reclaim of frames.
 *
 * <p>Locks, outermost first: the page lock (only tried), i_mmap or anon_vma lock and page-table lock inside the reverse-map walks,
 * {@code SWAP_LOCK}, allocator locks.
 *
 * <table>
 * <caption>What guards what</caption>
 * <tr><th>state</th><th>guarded by</th></tr>
 * <tr><td>users and cached frame of a slot</td><td>SWAP_LOCK</td></tr>
 * <tr><td>that a page enters or leaves the swap cache</td><td>page lock and SWAP_LOCK</td></tr>
 * <tr><td>content of a slot</td><td>the page lock of the cached page; without one, nobody writes</td></tr>
 * <tr><td>the hand</td><td>atomic</td></tr>
 * </table>
 */
package faultline.mmu.swap;
