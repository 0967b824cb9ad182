package faultline.emulator.syscall.memory;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.OtherMemory;
import faultline.emulator.task.Task;
import faultline.emulator.task.UserSpace;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.gup.UserMemory;
import java.lang.foreign.MemorySegment;

/**
 * process_vm_readv(2) and process_vm_writev(2): pins pages of another process and copies between them and one's own.
 */
final class OtherProcessCalls implements SyscallFamily {
    private static final int IOV_MAX = 1024;
    /** MAX_RW_COUNT: the most one call transfers. */
    private static final long MAX_COUNT = 0x7fff_f000L;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.PROCESS_VM_READV,
                "process_vm_readv",
                (task, pid, local, localCount, remote, count, flags) ->
                        transfer(task, (int) pid, local, localCount, remote, count, flags, false));
        table.register(
                Nr.PROCESS_VM_WRITEV,
                "process_vm_writev",
                (task, pid, local, localCount, remote, count, flags) ->
                        transfer(task, (int) pid, local, localCount, remote, count, flags, true));
    }

    @KernelFunction(value = "process_vm_rw", file = "mm/process_vm_access.c")
    private static long transfer(
            Task task, int pid, long local, long localCount, long remote, long remoteCount, long flags, boolean write) {
        if (flags != 0) {
            return -Errno.EINVAL;
        }
        if (Long.compareUnsigned(localCount, IOV_MAX) > 0) {
            return -Errno.EINVAL;
        }
        long[] localVector = vector(task, local, (int) localCount);
        if (localVector == null) {
            return -Errno.EINVAL;
        }
        long room = clip(localVector);
        if (room < 0) {
            return room;
        }
        if (room == 0) {
            return 0;
        }
        if (Long.compareUnsigned(remoteCount, IOV_MAX) > 0) {
            return -Errno.EINVAL;
        }
        long[] remoteVector = vector(task, remote, (int) remoteCount);
        if (remoteVector == null) {
            return -Errno.EINVAL;
        }
        if (total(remoteVector) == 0) {
            return 0;
        }
        Task target = task.kernel().tasks().get(pid);
        UserSpace space = target == null ? null : target.process().space();
        if (space != null
                && target.process() != task.process()
                && !task.credentials().mayAccess(target.credentials())) {
            return -Errno.EPERM;
        }
        return space == null ? -Errno.ESRCH : new Transfer(task, space, localVector, room, write).run(remoteVector);
    }

    /** Pairs of base and length; null when a length is negative. */
    private static long[] vector(Task task, long address, int count) {
        long[] pairs = new long[2 * count];
        for (int i = 0; i < pairs.length; i++) {
            pairs[i] = task.user().getLong(address + 8L * i);
            if ((i & 1) != 0 && pairs[i] < 0) {
                return null;
            }
        }
        return pairs;
    }

    /**
     * Cuts a vector of one's own memory at the most a call transfers; returns its bytes, or -EFAULT for a kernel
     * address.
     */
    private static long clip(long[] pairs) {
        long sum = 0;
        for (int i = 0; i < pairs.length; i += 2) {
            if (!UserMemory.accessOk(pairs[i], pairs[i + 1])) {
                return -Errno.EFAULT;
            }
            pairs[i + 1] = Math.min(pairs[i + 1], MAX_COUNT - sum);
            sum += pairs[i + 1];
        }
        return sum;
    }

    private static long total(long[] pairs) {
        long sum = 0;
        for (int i = 1; i < pairs.length; i += 2) {
            sum |= pairs[i];
        }
        return sum;
    }

    /** One call's way through both vectors. */
    private static final class Transfer {
        private final Task task;
        private final OtherMemory other;
        private final UserMemory own;
        private final long[] local;
        private final boolean write;
        private long left;
        private int piece;
        private long offset;

        Transfer(Task task, UserSpace space, long[] local, long room, boolean write) {
            this.task = task;
            this.other = OtherMemory.of(task.kernel(), space.mm(), false);
            this.own = task.kernel().memory().userMemory();
            this.local = local;
            this.left = room;
            this.write = write;
        }

        @KernelFunction(value = "process_vm_rw_core", file = "mm/process_vm_access.c")
        long run(long[] remote) {
            long done = 0;
            for (int r = 0; r < remote.length && left > 0; r += 2) {
                long length = Math.min(remote[r + 1], left);
                long n = other.forEachPage(
                        remote[r], length, write, (memory, at, before, count) -> page(memory, at, count));
                if (n < 0) {
                    return done > 0 ? done : n;
                }
                done += n;
                if (n < length) {
                    return done;
                }
            }
            return done;
        }

        /** Copies a piece of one pinned page to or from where one's own vector stands. */
        private long page(MemorySegment memory, long at, long count) {
            long done = 0;
            while (done < count) {
                while (offset == local[piece + 1]) {
                    piece += 2;
                    offset = 0;
                }
                long n = Math.min(count - done, local[piece + 1] - offset);
                long address = local[piece] + offset;
                long missed = write
                        ? own.copyFromUser(task.mm(), task.fault(), address, memory, at + done, n)
                        : own.copyToUser(task.mm(), task.fault(), address, memory, at + done, n);
                done += n - missed;
                offset += n - missed;
                left -= n - missed;
                if (missed > 0) {
                    break;
                }
            }
            return done;
        }
    }
}
