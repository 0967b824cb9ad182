/**
 * userfaultfd(2): the descriptor, its ioctls and its messages over {@link faultline.mmu.fault.Userfault}.
 *
 * <p>Offered is all of Linux 6.18: missing pages, minor faults and write protection of anonymous memory and shared
 * memory (memfd, files of a tmpfs, shared anonymous memory, segments), COPY, ZEROPAGE, MOVE, CONTINUE, POISON,
 * WRITEPROTECT, WAKE, events of fork, mremap, madvise and munmap. UFFDIO_MOVE moves huge pages as small ones.
 *
 * <p>A fault of user code sleeps in the task's loop, one of the kernel where it copies ({@code UserMemory}) or pins
 * ({@code GetUserPages}); a debugger's access and a core dump do not wait.
 */
package faultline.emulator.syscall.userfault;
