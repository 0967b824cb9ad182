/**
 * The operations on address spaces, one file each: mmap, munmap, mprotect, mremap, madvise, mlock, msync, mincore, brk,
 * mseal, fork's copy and exit's end, and what they share of it: making, splitting, merging and relinking mappings.
 *
 * <p>Each takes the mmap lock itself, for writing where mappings change, and returns 0 or the result, or {@code
 * -errno}. Memory that goes leaves through one {@link faultline.mmu.tlb.MmuGather}: entries cleared, translations
 * flushed, frames freed, in this order. They stand above {@code fault} and {@code gup} because populating
 * (MAP_POPULATE, mlock) faults pages in as a program would.
 */
package faultline.mmu.op;
