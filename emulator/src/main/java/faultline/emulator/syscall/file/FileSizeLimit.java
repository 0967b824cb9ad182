package faultline.emulator.syscall.file;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;

/** RLIMIT_FSIZE: how far a program may make files grow. */
final class FileSizeLimit {
    private FileSizeLimit() {}

    /**
     * How much of a write the limit lets through.
     *
     * @param pos where in the file, or negative for the file position
     * @return {@code count} or less, or -EFBIG, and SIGXFSZ, when nothing of it fits
     */
    @KernelFunction(value = "generic_write_check_limits", file = "fs/read_write.c")
    static long allowed(Task t, OpenFile file, long count, long pos) {
        long limit = t.process().rlimits().soft(Rlimits.FSIZE);
        if (limit == Rlimits.INFINITY || count == 0 || !file.neverBlocks()) {
            return count;
        }
        MemorySegment stat = HostScratch.get().struct();
        if (file.fstat(stat) < 0 || (HostStat.mode(stat) & HostStat.S_IFMT) != HostStat.S_IFREG) {
            return count;
        }
        boolean append = (file.statusFlags() & OpenFlags.O_APPEND) != 0;
        long begin = append ? HostStat.size(stat) : pos >= 0 ? pos : file.lseek(0, 1);
        long room = limit - begin;
        return room <= 0 ? refuse(t) : Math.min(count, room);
    }

    /** Whether a file may be made that large: 0, or -EFBIG and SIGXFSZ. */
    @KernelFunction(value = "inode_newsize_ok", file = "fs/attr.c")
    static long mayBecome(Task t, OpenFile file, long size) {
        long limit = t.process().rlimits().soft(Rlimits.FSIZE);
        if (limit == Rlimits.INFINITY || Long.compareUnsigned(size, limit) <= 0) {
            return 0;
        }
        MemorySegment stat = HostScratch.get().struct();
        boolean grows = file.fstat(stat) >= 0 && size > HostStat.size(stat);
        return grows ? refuse(t) : 0;
    }

    private static long refuse(Task t) {
        SignalSender.sendToTask(
                t,
                SigInfo.user(
                        Signals.SIGXFSZ, SigInfo.SI_USER, t.pid(), t.kernel().uid()));
        return -Errno.EFBIG;
    }
}
