/**
 * The data of address spaces: mappings, their tree, counters, limits. Operations on them live in {@code op}.
 *
 * <pre>
 * MmStruct.mmapLock (rw, sleeps)
 *   i_mmap lock / anon_vma lock     while bounds of a mapping that is linked there change
 * </pre>
 *
 * <table>
 * <caption>What holding a lock allows</caption>
 * <tr><th>held</th><th>may be read</th><th>may be changed</th></tr>
 * <tr><td>mmap lock, shared</td><td>the tree, all fields of every mapping</td><td>nothing; page tables are filled under
 * it</td></tr>
 * <tr><td>mmap lock, alone</td><td>as above</td><td>the tree, flags, bounds, accounting fields of {@code
 * MmStruct}</td></tr>
 * <tr><td>i_mmap lock of the file, or lock of the anon_vma</td><td>bounds, offset and flags of mappings found through
 * it</td>
 *     <td>bounds and offset of linked mappings, together with the mmap lock alone</td></tr>
 * <tr><td>none</td><td>{@code rss} counters, {@code brk}, {@code totalVm}: each a single value, possibly of a moment
 * ago</td>
 *     <td>{@code rss} counters, atomically</td></tr>
 * </table>
 */
package faultline.mmu.mm;
