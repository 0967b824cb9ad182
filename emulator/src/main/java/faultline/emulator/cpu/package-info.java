/**
 * The virtual CPU: runs guest code on Unicorn, answers its TLB misses from the page tables, and keeps Unicorn's
 * differences from real hardware away from the rest.
 *
 * <p>One {@code CpuEngine} an address space, lent by a {@code CpuPool}. Guest
 * code runs on one engine at a time (LOCK-prefixed instructions are not atomic between engines); kernel work runs
 * beside it on other threads.
 *
 * <p>An engine is in one of three phases, and who wants something of its TLB looks at the phase:
 *
 * <table>
 * <caption>phases of an engine</caption>
 * <tr><th>phase</th><th>what it means</th><th>what a flush from another thread does</th></tr>
 * <tr><td>IDLE</td><td>not running</td><td>notes the flush; it is done before the next entry</td></tr>
 * <tr><td>GUEST</td><td>guest instructions run</td><td>notes it, stops the CPU, waits until it left GUEST</td></tr>
 * <tr><td>KERNEL</td><td>in a page fault inside the fill hook</td><td>notes it; done before the hook returns</td></tr>
 * </table>
 *
 * <p>So a thread that holds a page-table lock may flush while the engine's fault waits for that very lock.
 */
package faultline.emulator.cpu;
