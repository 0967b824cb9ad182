/**
 * Core dumps: an ELF file of a process as it died, for a debugger.
 *
 * <p>While one is written all other tasks of the process wait at the beginning of their end ({@code DumpWait}), so that
 * memory and registers are those of one moment. What the file holds is chosen as Linux chooses it ({@code
 * CoreSegments}); pages are pinned one after the other, and those that nobody ever touched become holes of the file and
 * get no page table (seed 001). Its name is the guest machine's business ({@code CoreSettings}), unless {@code --core}
 * gave one.
 */
package faultline.emulator.core;
