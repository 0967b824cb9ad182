/**
 * Page faults, and the two other walks over page-table entries of user memory: zapping and fork. Those of mappings of
 * the pool's huge pages, which are never split, are {@link faultline.mmu.hugetlb another matter}.
 *
 * <p>A huge page is taken as one while what is asked concerns all of it; whoever wants a part of it splits it first,
 * which cannot fail ({@link faultline.mmu.table.HugePmd}):
 *
 * <table>
 * <caption>What each operation does to a huge page</caption>
 * <tr><th>operation</th><th>on all 2 MiB</th><th>on a part</th></tr>
 * <tr><td>munmap, MADV_DONTNEED</td><td>gone as one</td><td>split</td></tr>
 * <tr><td>mprotect</td><td>entry changed</td><td>split</td></tr>
 * <tr><td>advice that divides a mapping, mlock</td><td>stays</td><td>split where the mapping now ends inside</td></tr>
 * <tr><td>MADV_COLD, MADV_FREE</td><td>entry changed</td><td>split</td></tr>
 * <tr><td>MADV_PAGEOUT, reclaim</td><td>split</td><td>split</td></tr>
 * <tr><td>mremap</td><td>moved as one where both places are on 2 MiB, else split</td><td>split</td></tr>
 * <tr><td>MADV_COLLAPSE</td><td>small pages become one</td><td>EINVAL</td></tr>
 * <tr><td>fork</td><td>shared, read-only on both sides</td><td>cannot be</td></tr>
 * <tr><td>write after fork</td><td>in place when nobody else has it any more, else split, and 4 KiB
 * copied</td><td></td></tr>
 * </table>
 *
 * <p>Lock order, outermost first; each step takes only what it needs, as the classes say:
 *
 * <pre>
 * mmap lock, for reading (for writing while a stack grows)
 *   HUGETLB_LOCK               a file of the pool's huge pages: over each fault, unmapping and fork of a mapping of it
 *   page lock                  a file's page while it is entered
 *     i_mmap / anon_vma lock   truncation; first anonymous page of a mapping
 *       page-table lock        every change of an entry; looked at again under it
 *         page-table lock, nested   fork: the parent's table under the child's
 * </pre>
 *
 * <table>
 * <caption>What holding a lock allows</caption>
 * <tr><th>held</th><th>may be read</th><th>may be changed</th></tr>
 * <tr><td>mmap lock for reading</td><td>mappings; which tables there are; entries, which may change at once</td>
 *     <td>empty upper entries, to point to new tables</td></tr>
 * <tr><td>and page-table lock</td><td>entries of its table, but for accessed and dirty, which the processor sets</td>
 *     <td>entries; map counts; the resident counters</td></tr>
 * <tr><td>i_mmap lock</td><td>as the mmap lock, for mappings of that file</td><td>with the page-table lock:
 * entries</td></tr>
 * </table>
 */
package faultline.mmu.fault;
