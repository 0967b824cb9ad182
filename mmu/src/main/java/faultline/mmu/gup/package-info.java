/**
 * The kernel's own use of user memory: copying to and from it, pinning its pages, making ranges present.
 *
 * <p>{@code UserMemory} takes the mmap lock (for reading) and page-table locks itself; {@code GetUserPages} and {@code
 * FollowPage} expect the mmap lock and take page-table locks themselves (seed 001).
 */
package faultline.mmu.gup;
