package faultline.emulator.syscall.memory;

import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.policy.NodeMask;

/** Sets of nodes as a program passes them: {@code maxnode} is one more than the bits that count. */
final class NodeMasks {
    private static final long MOST_BITS = MmLayout.PAGE_SIZE * Byte.SIZE;

    private NodeMasks() {}

    /** Whether {@link #read} would answer -EINVAL. Reads as far as it has to. */
    @KernelFunction(value = "get_nodes", file = "mm/mempolicy.c")
    static int check(Task task, long address, long maxnode) {
        long bits = maxnode - 1;
        if (bits == 0 || address == 0) {
            return 0;
        }
        if (Long.compareUnsigned(bits, MOST_BITS) > 0) {
            return -Errno.EINVAL;
        }
        // Bits of nodes that no machine has must be clear; they are looked at from the end.
        for (long word = (bits - 1) / Long.SIZE; word >= NodeMask.BITS / Long.SIZE; word--) {
            if (word(task, address, word, bits) != 0) {
                return -Errno.EINVAL;
            }
        }
        return 0;
    }

    /** The set, after {@link #check}; empty without an address. */
    static NodeMask read(Task task, long address, long maxnode) {
        long bits = Math.min(maxnode - 1, NodeMask.BITS);
        long[] words = new long[NodeMask.BITS / Long.SIZE];
        for (int i = 0; address != 0 && (long) i * Long.SIZE < bits; i++) {
            words[i] = word(task, address, i, bits);
        }
        return NodeMask.of(words);
    }

    /** A word of the mask, without what lies beyond {@code bits}. */
    private static long word(Task task, long address, long index, long bits) {
        long value = task.user().getLong(address + index * Long.BYTES);
        long left = bits - index * Long.SIZE;
        return left >= Long.SIZE ? value : value & (1L << left) - 1;
    }

    /** Tells a set; nodes that the machine cannot have are told as absent. @return 0 or -EINVAL */
    @KernelFunction(value = "copy_nodes_to_user", file = "mm/mempolicy.c")
    static int write(Task task, long address, long maxnode, NodeMask nodes) {
        long bytes = (maxnode - 1 + Long.SIZE - 1 & -Long.SIZE) / Byte.SIZE;
        if (bytes > Long.BYTES) {
            if (bytes > MmLayout.PAGE_SIZE) {
                return -Errno.EINVAL;
            }
            task.user().clear(address + Long.BYTES, bytes - Long.BYTES);
        }
        if (bytes != 0) {
            task.user().putLong(address, nodes.firstWord());
        }
        return 0;
    }
}
