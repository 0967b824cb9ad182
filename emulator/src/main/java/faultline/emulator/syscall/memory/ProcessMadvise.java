package faultline.emulator.syscall.memory;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.op.Madvise;

/**
 * process_madvise(2) on the calling process, named by PIDFD_SELF: any advice to several ranges at once. Descriptors of
 * other processes do not exist here, so any other descriptor is a bad one.
 */
final class ProcessMadvise implements SyscallFamily {
    private static final int PIDFD_SELF_THREAD = -10_000;
    private static final int PIDFD_SELF_THREAD_GROUP = -10_001;
    private static final int IOV_MAX = 1024;
    private static final long MAX_COUNT = 0x7fff_f000L;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.PROCESS_MADVISE,
                "process_madvise",
                (task, pidfd, vector, count, advice, flags, a5) ->
                        run(task, (int) pidfd, vector, count, (int) advice, (int) flags));
    }

    @KernelFunction(value = "process_madvise", file = "mm/madvise.c")
    private static long run(Task task, int pidfd, long vector, long count, int advice, int flags) {
        if (flags != 0 || count < 0 || count > IOV_MAX) {
            return -Errno.EINVAL;
        }
        long[] pairs = new long[2 * (int) count];
        for (int i = 0; i < pairs.length; i++) {
            pairs[i] = task.user().getLong(vector + 8L * i);
            if ((i & 1) != 0 && pairs[i] < 0) {
                return -Errno.EINVAL;
            }
        }
        if (pidfd != PIDFD_SELF_THREAD && pidfd != PIDFD_SELF_THREAD_GROUP) {
            return -Errno.EBADF;
        }
        return each(task, pairs, advice);
    }

    /** Bytes advised up to the first range that fails; its error when it is the first. */
    @KernelFunction(value = "vector_madvise", file = "mm/madvise.c")
    private static long each(Task task, long[] pairs, int advice) {
        Madvise madvise = task.kernel().memory().madvise();
        long done = 0;
        for (int i = 0; i < pairs.length; i += 2) {
            long length = Math.min(pairs[i + 1], MAX_COUNT - done);
            long result = madvise.run(task.mm(), task.fault(), pairs[i], length, advice);
            if (result < 0) {
                return done > 0 ? done : result;
            }
            done += length;
        }
        return done;
    }
}
