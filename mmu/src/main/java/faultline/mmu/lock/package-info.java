/**
 * Spin lock, reader-writer semaphore, and the order in which they may be taken.
 *
 * <p>Outermost first; a task takes a lock only while it holds none that stands below it ({@link
 * faultline.mmu.lock.LockRank} holds the same order as data):
 *
 * <pre>
 * KSM_LOCK (sleeps)                           the scanner of same-page merging
 *   MMAP_LOCK (rw, sleeps)                     one an address space
 *     HUGETLB_LOCK (sleeps)                    one a file of huge pages: reservations, who faults or unmaps
 *       PAGE_LOCK (sleeps)                     one a page: PG_locked
 *         I_MMAP_LOCK                          one a file
 *           ANON_VMA_LOCK                      one a family of forked areas
 *             USERFAULT_LOCK                   who waits for user space, one a descriptor
 *             VMAP_AREA_LOCK                   kernel address areas
 *             PAGE_TABLE_LOCK                  one an address space, or one a table
 *               PAGE_TABLE_LOCK_NESTED         mremap's destination table
 *                 PAGE_CACHE_LOCK              one a file
 *                 SWAP_LOCK                  swap areas, their slots, the swap cache
 *                 HUGETLB_POOL_LOCK            the pool of huge pages
 *                 KSM_PAGE_LOCK                whether a page shared for its content is still there
 *                   FRAME_CACHE_LOCK           caches of single free frames
 *                     LRU_LOCK                 lists of pages by last use
 *                     FRAME_ALLOCATOR_LOCK
 * </pre>
 *
 * <table>
 * <caption>Lock held, and what it allows</caption>
 * <tr><th>lock</th><th>may read</th><th>may change</th></tr>
 * <tr><td>mmap lock, shared</td><td>areas and their tree; page tables may be descended, for none is freed</td>
 *     <td>add page tables (with the page-table lock inside), fault pages in</td></tr>
 * <tr><td>mmap lock, exclusive</td><td>the same</td><td>areas, their tree; free page tables</td></tr>
 * <tr><td>i_mmap or anon_vma lock</td><td>which areas map a page; descend their page tables, of any address space</td>
 *     <td>that set; move whole page tables (with the mmap lock, exclusive)</td></tr>
 * <tr><td>page-table lock</td><td>the entries it covers</td><td>the same, and the counts of pages they map</td></tr>
 * <tr><td>none</td><td>one entry, atomically: the processor does so</td><td>accessed and dirty bits, by
 * compare-and-set</td></tr>
 * </table>
 *
 * <p>Page-table locks of two tables are held together only by mremap, which has the mmap lock exclusively: so no second
 * task takes the two of one address space in the other order.
 *
 * <p>Only this package uses {@code java.util.concurrent.locks} or {@code synchronized}: whoever watches these classes
 * sees every lock that the memory manager takes.
 */
package faultline.mmu.lock;
