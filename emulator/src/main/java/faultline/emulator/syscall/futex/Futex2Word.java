package faultline.emulator.syscall.futex;

import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * A futex as the calls of the second kind name it: address and flags, and where it comes from a vector (struct
 * futex_waitv) the value to wait for.
 *
 * @param value only the low 32 bits may be set
 * @param flags FUTEX2_* bits
 */
record Futex2Word(long address, long value, int flags) {
    /** Bytes of a struct futex_waitv: u64 value, u64 address, u32 flags, u32 reserved. */
    static final int ENTRY_SIZE = 24;

    private static final int SIZE_MASK = 3;
    private static final int SIZE_U32 = 2;
    private static final int NUMA = 4;
    private static final int MPOL = 8;
    private static final int PRIVATE = 128;
    private static final int VALID = SIZE_MASK | NUMA | MPOL | PRIVATE;
    private static final long VALUE_MASK = 0xffff_ffffL;
    /** In the word behind the futex: whatever node the caller runs on. */
    private static final int NO_NODE = -1;

    /** Reads entry {@code i} of a vector; null for one with bits in the reserved word. */
    static Futex2Word read(Task task, long vector, int i) {
        long at = vector + (long) i * ENTRY_SIZE;
        boolean reserved = task.user().getInt(at + 20) != 0;
        return reserved
                ? null
                : new Futex2Word(
                        task.user().getLong(at + 8),
                        task.user().getLong(at),
                        task.user().getInt(at + 16));
    }

    /** 0, or -EINVAL for what is not a futex of 32 bits, or a value or mask that has more. */
    @KernelFunction(value = "futex_flags_valid", file = "kernel/futex/futex.h")
    int check() {
        boolean valid = (flags & ~VALID) == 0 && (flags & SIZE_MASK) == SIZE_U32 && (value & ~VALUE_MASK) == 0;
        return valid ? 0 : -Errno.EINVAL;
    }

    boolean shared() {
        return (flags & PRIVATE) == 0;
    }

    /**
     * Checks the address, and the node behind the word with FUTEX2_NUMA. There is one node: "no node" becomes 0.
     *
     * @return 0 or -EINVAL
     */
    @KernelFunction(value = "get_futex_key", file = "kernel/futex/core.c")
    int checkAddress(Task task) {
        boolean numa = (flags & NUMA) != 0;
        if ((address & (numa ? 7 : 3)) != 0) {
            return -Errno.EINVAL;
        }
        if (!numa) {
            return 0;
        }
        int node = task.user().getInt(address + Integer.BYTES);
        if (node == NO_NODE) {
            task.user().putInt(address + Integer.BYTES, 0);
        }
        return node == NO_NODE || node == 0 ? 0 : -Errno.EINVAL;
    }

    /** The key; the address has been checked. */
    FutexKey key(Task task) {
        return FutexKeys.of(task, address, shared(), false);
    }
}
