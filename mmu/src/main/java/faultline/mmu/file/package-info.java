/**
 * Files as memory: the page cache, the mappings of a file by range, truncation and write-back.
 *
 * <p>Lock order of this package, outermost first:
 *
 * <pre>
 * inode lock               AddressSpace.inodeLock: write(2) and truncation of one file, one at a time; sleeps
 *   mmap lock              of any address space; sleeps
 *     page lock            PageFlags.LOCKED of a cached frame: contents being read or written back, or page going; sleeps
 *       i_mmap lock        AddressSpace.iMmapLock: the tree of mappings; spins
 *         page-table lock
 *           i_pages lock   CachedPages: index to frame, dirty marks; spins, innermost
 * </pre>
 *
 * <table>
 * <caption>What holding a lock allows</caption>
 * <tr><th>held</th><th>may be read</th><th>may be changed</th></tr>
 * <tr><td>i_pages lock</td><td>which frame is page n; a reference on it may be taken</td><td>pages and dirty marks</td></tr>
 * <tr><td>page lock</td><td>that the page belongs to this file and lies below its end</td>
 *     <td>contents, UPTODATE; taking the page out of the cache</td></tr>
 * <tr><td>i_mmap lock</td><td>all mappings of a range, their bounds</td><td>linking and unlinking; truncation numbers</td></tr>
 * <tr><td>inode lock</td><td>-</td><td>the size, downwards and by truncation</td></tr>
 * </table>
 *
 * <p>A fault holds the page lock while it enters the page into a page table, after it looked that the page still belongs
 * to the file and below its end. Truncation sets the size first, clears the page tables, then takes each page's lock to
 * remove it: so a fault either saw the new size, or its entry is there to be cleared.
 */
package faultline.mmu.file;
