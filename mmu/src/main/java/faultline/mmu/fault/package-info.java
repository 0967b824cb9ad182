/**
 * Page faults, and the two other walks over page-table entries of user memory: zapping and fork.
 *
 * <p>Lock order, outermost first; each step takes only what it needs, as the classes say:
 *
 * <pre>
 * mmap lock, for reading (for writing while a stack grows)
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
 * <tr><td>i_mmap lock</td><td>as the mmap lock, for mappings of that file</td><td>with the page-table lock: entries</td></tr>
 * </table>
 */
package faultline.mmu.fault;
