/**
 * Swap areas, swap cache, and the reclaim of frames.
 *
 * <p>Locks, outermost first: the page lock (only tried), i_mmap or anon_vma lock and page-table lock inside the
 * reverse-map walks,
 * {@code SWAP_LOCK}, allocator locks.
 *
 * <p>Frames are freed by whoever needs one and finds none ({@code Reclaimer.reclaim}), and, where configured, ahead of
 * need by {@code Kswapd}: woken when free frames fall below the low watermark, it works until they reach the high one.
 * Both make passes over the lists of {@code phys.LruVec} ({@code LruScan}), isolate some frames at a time, and free or
 * put back each ({@code PageReclaim}). Beside Linux: active and inactive lists of anonymous memory and of files, an
 * unevictable one, and the balance of the two kinds by cost are as in mm/vmscan.c without generations; there is one
 * node, no control groups, and no memory of what was evicted (workingset). That a huge page is locked by
 * several mappings is forgotten when one of them ends, until reclaim meets the page again.
 *
 * <p>Areas are files, 28 at most ({@code SwapAreas}): the machine's own and those that guests give to swapon(2). A
 * swap entry holds the area's number and the page in it; new pages go to the area of the highest priority that has
 * room, equal ones take turns. swapoff(2) brings back what is in an area ({@code op.Swapoff}) while everything else
 * goes on. Beside Linux: an area has no clusters of its own a processor, nothing is discarded, and there are no areas
 * on devices.
 *
 * <p>A slot of an anonymous page is counted by the page-table entries that stand for it. A slot of a shared (memory
 * file's) page has one user, the file's page tree: no entry stands for it, and the page is read back through the file.
 * Its content is not cached beside it ({@code ShmemSwap}).
 *
 * <table>
 * <caption>What guards what</caption>
 * <tr><th>state</th><th>guarded by</th></tr>
 * <tr><td>users and cached frame of a slot; areas, their order and counts</td><td>SWAP_LOCK</td></tr>
 * <tr><td>that an area stays</td><td>a slot of it in use: the page-table lock of an entry, the i_pages lock of a file
 * that has one, or the page lock of a page in the swap cache</td></tr>
 * <tr><td>which memory files have pages in swap</td><td>i_pages lock of the file, for that file</td></tr>
 * <tr><td>that a page enters or leaves the swap cache</td><td>page lock and SWAP_LOCK</td></tr>
 * <tr><td>content of a slot</td><td>the page lock of the cached page; without one, nobody writes</td></tr>
 * <tr><td>lists, and LRU, ACTIVE, UNEVICTABLE of a frame on one</td><td>LRU_LOCK</td></tr>
 * </table>
 */
package faultline.mmu.swap;
