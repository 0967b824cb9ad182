/**
 * userfaultfd(2): the descriptor, its ioctls and its messages over {@link faultline.mmu.fault.Userfault}.
 *
 * <p>Offered: missing pages of anonymous memory and shared memory, write protection of anonymous memory, COPY, ZEROPAGE,
 * POISON, WRITEPROTECT, WAKE; features PAGEFAULT_FLAG_WP, MISSING_SHMEM, SIGBUS, THREAD_ID, POISON. Not offered, and said so
 * by UFFDIO_API: minor faults (CONTINUE), MOVE, events of fork, mremap, madvise and munmap, huge pages.
 */
package faultline.emulator.syscall.userfault;
