/**
 * Huge pages of the pools, of 2 MiB and of 1 GiB: MAP_HUGETLB, files of hugetlbfs, segments with SHM_HUGETLB.
 *
 * <p>Unlike transparent huge pages these are never split, swapped or replaced by small ones: either the pool has one,
 * or the access ends in SIGBUS. So that this does not meet a program by surprise, what a mapping may need is reserved
 * when it is made, and a mapping that cannot be backed is refused (ENOMEM). Faults on such mappings are in package
 * {@code fault}.
 *
 * <pre>
 *   pool            total = free + used                          reserved ≤ free
 *   surplus         of the total: beyond what was asked for, given back when it becomes free
 *
 *   who reserves                       whom it belongs to
 *   shared mapping, fallocate          the file: {@link faultline.mmu.hugetlb.HugetlbInode}
 *   private mapping                    the mapping itself; a forked child has none: SIGBUS when the pool is empty
 *   MAP_NORESERVE                      nobody: SIGBUS when the pool is empty
 * </pre>
 *
 * <p>Files of a mount with limits reserve and take pages through its share of the pool, {@link
 * faultline.mmu.hugetlb.HugetlbSubpool}: beyond size there are none, and min_size is reserved from the mount on.
 *
 * <p>Locks, outermost first:
 *
 * <pre>
 * inode lock                  size of the file as system calls change it
 *   mmap lock
 *     HUGETLB_LOCK            one a file: its reservations and those of its mappings; which page is where, in the
 *                             file and in page tables. Held over a fault, an unmapping, a fork, a truncation, so that
 *                             two tasks never want two pages for one place; sleeps
 *       page lock, i_mmap lock, page-table lock
 *         HUGETLB_POOL_LOCK   the pool's counts and its list of free pages; spins
 * </pre>
 *
 * <p>Places in files are counted in small pages, as everywhere; those of huge pages are multiples of 512, or of
 * 262,144.
 *
 * <table>
 * <caption>The two sizes</caption>
 * <tr><th></th><th>2 MiB</th><th>1 GiB</th></tr>
 * <tr><td>entry</td><td>of a PMD table</td><td>of a PUD table</td></tr>
 * <tr><td>lock of the entry</td><td>the PMD table's</td><td>the address space's page-table lock</td></tr>
 * <tr><td>comes from</td><td>the frame allocator's lists</td><td>a search for 2^18 adjoining free frames</td></tr>
 * <tr><td>surplus pages</td><td>as vm.nr_overcommit_hugepages allows</td><td>none</td></tr>
 * </table>
 */
package faultline.mmu.hugetlb;
