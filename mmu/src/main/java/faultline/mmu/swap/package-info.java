/**
 * Swap area, swap cache, and the reclaim of frames.
 *
 * <p>Locks, outermost first: the page lock (only tried), i_mmap or anon_vma lock and page-table lock inside the
 * reverse-map walks,
 * {@code SWAP_LOCK}, allocator locks.
 *
 * <p>Frames are freed by whoever needs one and finds none ({@code Reclaimer.reclaim}), and, where configured, ahead of
 * need by
 * {@code Kswapd}: woken when free frames fall below the low watermark, it works until they reach the high one.
 *
 * <p>A slot of an anonymous page is counted by the page-table entries that stand for it. A slot of a shared (memory
 * file's) page has one user, the file's page tree: no entry stands for it, and the page is read back through the file.
 * Its content is not cached beside it.
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
