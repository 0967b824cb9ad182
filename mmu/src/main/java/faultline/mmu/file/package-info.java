/**
 * Files as memory: the page cache, the mappings of a file by range, truncation and write-back.
 *
 * <p>Lock order of this package, outermost first:
 *
 * <pre>
 * inode lock               AddressSpace.inodeLock: write(2) and truncation of one file, one at a time; sleeps
 *   mmap lock              of any address space; sleeps
 *     page lock            PageFlags.LOCKED of a cached frame: contents being read or written back, or page going; sleeps
 *       i_mmap lock        FileAreas.lock: the mappings, linear and nonlinear ones; spins
 *         page-table lock
 *           i_pages lock   CachedPages: index to frame, dirty marks; spins, innermost
 * </pre>
 *
 * <table>
 * <caption>What holding a lock allows</caption>
 * <tr><th>held</th><th>may be read</th><th>may be changed</th></tr>
 * <tr><td>i_pages lock</td><td>which frame is page n; a reference on it may be taken</td><td>pages and dirty
 * marks</td></tr>
 * <tr><td>page lock</td><td>that the page belongs to this file and lies below its end</td>
 *     <td>contents, UPTODATE; taking the page out of the cache</td></tr>
 * <tr><td>i_mmap lock</td><td>all mappings of a range, their bounds</td><td>linking and unlinking; truncation
 * numbers</td></tr>
 * <tr><td>inode lock</td><td>-</td><td>the size, downwards and by truncation</td></tr>
 * </table>
 *
 * <p>A fault holds the page lock while it enters the page into a page table, after it looked that the page still
 * belongs to the file and below its end. Truncation sets the size first, clears the page tables, then takes each page's
 * lock to remove it: so a fault either saw the new size, or its entry is there to be cleared.
 *
 * <p>A mapping is found by the range of the file that it shows, in {@link faultline.mmu.file.IntervalTree}. One that
 * remap_file_pages(2) has put out of order is in {@link faultline.mmu.file.NonlinearList} instead, and shows whatever
 * its page-table entries say:
 *
 * <table>
 * <caption>How a page is found in the two kinds of mapping</caption>
 * <tr><th>who looks</th><th>linear</th><th>nonlinear</th></tr>
 * <tr><td>truncation</td><td>the one range of entries</td><td>every entry; its page's number decides, and stays in the
 * entry</td></tr>
 * <tr><td>write-back</td><td>the one entry</td><td>every entry</td></tr>
 * <tr><td>reclaim's second chance</td><td>the one entry</td><td>none: entries are aged while pages are
 * unmapped</td></tr>
 * <tr><td>reclaim</td><td>the one entry</td><td>a few clusters of entries, from a cursor on, of whatever
 * pages</td></tr>
 * </table>
 */
package faultline.mmu.file;
