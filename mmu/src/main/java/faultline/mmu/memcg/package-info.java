/**
 * Control groups of memory: who is charged for which frame, and what a group may have at most (mm/memcontrol.c,
 * mm/page_counter.c).
 *
 * <p>A frame is charged when it becomes a page of an address space or of a file, to the group of the address space, or
 * of the task that brings the file's page in; it stays charged there, wherever its process goes, until it is free. The
 * frame bears
 * {@link faultline.mmu.phys.PageFlags#MEMCG} meanwhile. A swap slot is charged to the group whose page went there.
 *
 * <p>Processes of the root group are charged nothing: their address spaces have no group ({@code null}), and that is
 * all that a fault asks.
 *
 * <pre>
 *   charge:   group ─▶ parent ─▶ … each counter at most its limit
 *                        │ over the limit
 *                        ▼
 *             reclaim inside that group ─▶ nothing freed ─▶ kill inside that group ─▶ nobody to kill: ENOMEM
 * </pre>
 *
 * <p>No locks: counters are atomic, the owner of a frame is set before others know the frame and cleared after its last
 * reference went. Charging may reclaim and wait: the caller holds no spin lock and no lock of a page.
 *
 * <table>
 * <caption>What is charged</caption>
 * <tr><td>anonymous memory, huge pages included; pages of files, of shared memory and of tmpfs; pages read back from
 * swap</td><td>yes</td></tr>
 * <tr><td>page tables, kernel stacks, what the kernel has of files and sockets</td><td>no: they are the emulator's
 * own</td></tr>
 * <tr><td>pages of the huge page pool</td><td>no, as without {@code memory_hugetlb_accounting}</td></tr>
 * <tr><td>memory.low and memory.min</td><td>kept, and not heeded by reclaim</td></tr>
 * </table>
 */
package faultline.mmu.memcg;
