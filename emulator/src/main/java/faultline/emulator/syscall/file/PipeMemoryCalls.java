package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostWait;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;

/**
 * vmsplice(2): memory into a pipe, or out of it.
 *
 * <p>Bytes are copied into the pipe, so that what the program stores afterwards is not seen by the reader. Linux
 * promises neither; SPLICE_F_GIFT allows the copy there as well.
 */
final class PipeMemoryCalls implements SyscallFamily {
    private static final int SPLICE_F_NONBLOCK = 2;
    private static final int SPLICE_FLAGS = 0xf;
    private static final int RWF_NOWAIT = 8;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.VMSPLICE,
                "vmsplice",
                (t, fd, vector, count, flags, e, f) ->
                        FileCall.onFile(t, fd, file -> vmsplice(t, fd, file, vector, count, (int) flags)));
    }

    @KernelFunction(value = "sys_vmsplice", file = "fs/splice.c")
    private static long vmsplice(Task t, long fd, OpenFile file, long vector, long count, int flags) {
        if ((flags & ~SPLICE_FLAGS) != 0) {
            return -Errno.EINVAL;
        }
        if (!isPipe(file)) {
            return -Errno.EBADF;
        }
        if (!file.writable()) {
            int rwFlags = (flags & SPLICE_F_NONBLOCK) != 0 ? RWF_NOWAIT : 0;
            return ReadWriteCalls.vector(t, fd, vector, count, ReadWriteCalls.AT_POSITION, rwFlags, false);
        }
        boolean waits = (flags & SPLICE_F_NONBLOCK) == 0 && (file.statusFlags() & OpenFlags.O_NONBLOCK) == 0;
        while (true) {
            // what fits is enough: unlike a write, it does not wait for the rest
            long n = ReadWriteCalls.vector(t, fd, vector, count, ReadWriteCalls.AT_POSITION, RWF_NOWAIT, true);
            if (n != -Errno.EAGAIN || !waits) {
                return n;
            }
            long ready = HostWait.until(t, file.hostFd(), HostWait.POLLOUT);
            if (ready < 0) {
                return ready;
            }
        }
    }

    /** Whether splicing may begin or end at a file. */
    static boolean isPipe(OpenFile file) {
        MemorySegment stat = HostScratch.get().struct();
        return file.hostFd() >= 0
                && file.fstat(stat) >= 0
                && (HostStat.mode(stat) & HostStat.S_IFMT) == HostStat.S_IFIFO;
    }
}
