/**
 * Futexes (kernel/futex).
 *
 * <p>Locks: a bucket's monitor guards its queue. Two buckets are locked in the order of their indices. Inside a bucket's
 * monitor guest memory may be read (its faults take the mmap lock, whose holders never ask for a bucket); nothing waits
 * there for another task.
 */
package faultline.emulator.syscall.futex;
