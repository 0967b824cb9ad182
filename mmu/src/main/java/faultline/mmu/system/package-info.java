/** The machine put together: everything of the memory manager, built and wired once, and checked as a whole. */
package faultline.mmu.system;
