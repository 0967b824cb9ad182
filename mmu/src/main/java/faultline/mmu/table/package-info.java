/**
 * Page tables in the processor's format: entries, tables, their locks, the processor's walk, and moving entries.
 *
 * <p>Lock order: mmap lock, then i_mmap or anon_vma lock, then a page-table lock, then (mremap only) a second one
 * ({@link faultline.mmu.lock}). Locks of the frame allocator are taken inside any of them.
 *
 * <table>
 * <caption>Lock held, and what it allows</caption>
 * <tr><th>held</th><th>may read</th><th>may change</th></tr>
 * <tr><td>mmap lock, shared</td><td>PGD, PUD, PMD entries: once they point to a table they stay so; a huge page in a
 * PMD entry
 *     may become a table at any time</td>
 *     <td>empty PGD, PUD, PMD entries to point to a new table, with the page-table lock inside</td></tr>
 * <tr><td>mmap lock, exclusive</td><td>the same</td><td>free tables, after unlinking the areas from reverse
 * maps</td></tr>
 * <tr><td>i_mmap or anon_vma lock of an area</td><td>PGD, PUD, PMD entries of the area</td><td>nothing</td></tr>
 * <tr><td>mmap lock exclusive and both of these</td><td>the same</td><td>move a table to another PMD entry
 * (mremap)</td></tr>
 * <tr><td>PMD table's page-table lock</td><td>its entries, and the tables laid by for huge ones ({@link HugePmd})</td>
 *     <td>map, change, split and clear huge pages</td></tr>
 * <tr><td>page-table lock</td><td>entries of that table</td><td>entries of that table; present ones only
 * atomically</td></tr>
 * <tr><td>nothing (the processor)</td><td>any entry</td><td>accessed and dirty, by compare-and-set</td></tr>
 * </table>
 */
package faultline.mmu.table;
