/**
 * NUMA memory policies of a machine with one node: which of its nodes a task, a mapping or a range of shared memory
 * wants its pages from.
 *
 * <p>All pages are on node 0, so that no policy moves anything; policies are kept, compared and told as on Linux with
 * CONFIG_NUMA: mappings with unequal ones do not merge, /proc/PID/numa_maps shows them, and what cannot be had is
 * refused.
 *
 * <table>
 * <caption>Whose policy is where</caption>
 * <tr><th>of</th><th>kept in</th><th>guarded by</th></tr>
 * <tr><td>a mapping</td><td>{@code Vma.policy()}</td><td>the mmap lock</td></tr>
 * <tr><td>shared memory</td><td>{@link SharedPolicy}, by page</td><td>nothing: each change makes a new map</td></tr>
 * <tr><td>a task</td><td>the emulator's task</td><td>set by the task itself</td></tr>
 * </table>
 */
package faultline.mmu.policy;
