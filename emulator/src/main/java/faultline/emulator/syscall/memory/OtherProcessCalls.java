package faultline.emulator.syscall.memory;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.emulator.task.UserSpace;
import faultline.mmu.Errno;
import faultline.mmu.gup.UserMemory;

/** process_vm_readv(2) and process_vm_writev(2). */
final class OtherProcessCalls implements SyscallFamily {
    private static final int IOV_MAX = 1024;
    private static final int CHUNK = 65536;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.PROCESS_VM_READV, "process_vm_readv", (task, pid, local, localCount, remote, count, flags) ->
                transfer(task, (int) pid, local, localCount, remote, count, flags, false));
        table.register(Nr.PROCESS_VM_WRITEV, "process_vm_writev", (task, pid, local, localCount, remote, count, flags) ->
                transfer(task, (int) pid, local, localCount, remote, count, flags, true));
    }

    private static long transfer(
            Task task, int pid, long local, long localCount, long remote, long remoteCount, long flags, boolean write) {
        if (flags != 0) {
            return -Errno.EINVAL;
        }
        if (localCount < 0 || localCount > IOV_MAX || remoteCount < 0 || remoteCount > IOV_MAX) {
            return -Errno.EINVAL;
        }
        long[] localVector = vector(task, local, (int) localCount);
        long[] remoteVector = vector(task, remote, (int) remoteCount);
        Process process = task.kernel().processes().get(pid);
        UserSpace space = process == null ? null : process.space();
        if (localVector == null || remoteVector == null) {
            return -Errno.EINVAL;
        }
        if (space == null) {
            return -Errno.ESRCH;
        }
        return new Transfer(task, space, localVector, remoteVector, write).run();
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

    /** One call's way through both vectors. */
    private static final class Transfer {
        private final Task task;
        private final UserSpace other;
        private final long[] local;
        private final long[] remote;
        private final boolean write;
        private final byte[] buffer = new byte[CHUNK];
        private long done;

        Transfer(Task task, UserSpace other, long[] local, long[] remote, boolean write) {
            this.task = task;
            this.other = other;
            this.local = local;
            this.remote = remote;
            this.write = write;
        }

        long run() {
            int l = 0;
            long lOffset = 0;
            for (int r = 0; r < remote.length; r += 2) {
                long rOffset = 0;
                while (rOffset < remote[r + 1]) {
                    while (l < local.length && lOffset == local[l + 1]) {
                        l += 2;
                        lOffset = 0;
                    }
                    if (l >= local.length) {
                        return done;
                    }
                    long most = Math.min(remote[r + 1] - rOffset, local[l + 1] - lOffset);
                    int piece = (int) Math.min(CHUNK, most);
                    int moved = move(local[l] + lOffset, remote[r] + rOffset, piece);
                    done += moved;
                    rOffset += moved;
                    lOffset += moved;
                    if (moved < piece) {
                        return done > 0 ? done : -Errno.EFAULT;
                    }
                }
            }
            return done;
        }

        private int move(long mine, long theirs, int length) {
            UserMemory memory = task.kernel().memory().userMemory();
            if (write) {
                int got = length - (int) memory.copyFromUser(task.mm(), task.fault(), mine, buffer, 0, length);
                return got - (int) memory.copyToUser(other.mm(), task.fault(), theirs, buffer, 0, got);
            }
            int got = length - (int) memory.copyFromUser(other.mm(), task.fault(), theirs, buffer, 0, length);
            return got - (int) memory.copyToUser(task.mm(), task.fault(), mine, buffer, 0, got);
        }
    }
}
