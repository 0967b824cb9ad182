package faultline.emulator.syscall.file;

import faultline.emulator.fs.LastComponent;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.Opened;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;

/** Size and storage of files: truncate, fallocate, fsync and their kin. */
final class ContentCalls implements SyscallFamily {
    @Override
    public void register(SyscallTable table) {
        table.register(Nr.TRUNCATE, "truncate", (t, path, length, c, d, e, f) -> truncate(t, path, length));
        table.register(
                Nr.FTRUNCATE,
                "ftruncate",
                (t, fd, length, c, d, e, f) ->
                        FileCall.onFile(t, fd, file -> length < 0 ? -Errno.EINVAL : resize(t, file, length)));
        table.register(
                Nr.FALLOCATE,
                "fallocate",
                (t, fd, mode, offset, length, e, f) ->
                        FileCall.onFile(t, fd, file -> allocate(t, file, (int) mode, offset, length)));
        table.register(
                Nr.FADVISE64,
                "fadvise64",
                (t, fd, offset, length, advice, e, f) -> FileCall.onHostFd(
                        t, fd, 0, file -> Libc.call(Nr.FADVISE64, file.hostFd(), offset, length, advice)));
        table.register(
                Nr.READAHEAD,
                "readahead",
                (t, fd, offset, count, d, e, f) -> FileCall.onHostFd(
                        t, fd, -Errno.EINVAL, file -> Libc.call(Nr.READAHEAD, file.hostFd(), offset, count)));
        table.register(Nr.FSYNC, "fsync", (t, fd, b, c, d, e, f) -> sync(t, fd, Nr.FSYNC));
        table.register(Nr.FDATASYNC, "fdatasync", (t, fd, b, c, d, e, f) -> sync(t, fd, Nr.FDATASYNC));
        table.register(Nr.SYNCFS, "syncfs", (t, fd, b, c, d, e, f) -> sync(t, fd, Nr.SYNCFS));
        table.register(Nr.SYNC, "sync", (t, a, b, c, d, e, f) -> {
            FileCall.fs(t).root().inodes().writebackAll();
            return Libc.call(Nr.SYNC);
        });
        table.register(
                Nr.SYNC_FILE_RANGE,
                "sync_file_range",
                (t, fd, offset, length, flags, e, f) -> FileCall.onHostFd(t, fd, -Errno.ESPIPE, file -> {
                    long r = file.writeback();
                    return r < 0 ? r : Libc.call(Nr.SYNC_FILE_RANGE, file.hostFd(), offset, length, flags);
                }));
    }

    static long sync(Task t, long fd, int nr) {
        return FileCall.onHostFd(t, fd, -Errno.EINVAL, file -> {
            long r = file.writeback();
            return r < 0 ? r : Libc.call(nr, file.hostFd());
        });
    }

    private static long allocate(Task t, OpenFile file, int mode, long offset, long length) {
        boolean grows = mode == 0 && offset >= 0 && length > 0 && offset + length > 0;
        long error = grows ? FileSizeLimit.mayBecome(t, file, offset + length) : 0;
        return error < 0 ? error : file.allocate(mode, offset, length);
    }

    private static long resize(Task t, OpenFile file, long length) {
        long error = FileSizeLimit.mayBecome(t, file, length);
        return error < 0 ? error : file.truncate(length);
    }

    /**
     * Through an open file, so that cached pages follow; the host checks the permission to write as truncate(2) does.
     */
    private static long truncate(Task t, long path, long length) {
        if (length < 0) {
            return -Errno.EINVAL;
        }
        return FileCall.onPath(t, Libc.AT_FDCWD, path, LastComponent.FOLLOW, p -> {
            if (p.node() != null && !p.node().mayChange()) {
                return -Errno.EINVAL;
            }
            MemorySegment stat = HostScratch.get().struct();
            long r = Libc.call(Nr.NEWFSTATAT, p.dirFd(), p.pointer(), stat.address(), 0);
            if (r < 0) {
                return r;
            }
            if ((HostStat.mode(stat) & HostStat.S_IFMT) != HostStat.S_IFREG) {
                return (HostStat.mode(stat) & HostStat.S_IFMT) == HostStat.S_IFDIR ? -Errno.EISDIR : -Errno.EINVAL;
            }
            return byOpenFile(t, path, length);
        });
    }

    private static long byOpenFile(Task t, long path, long length) {
        Opened opened = FileCall.fs(t).open(t, null, FileCall.path(t, path), OpenFlags.O_WRONLY, 0);
        OpenFile file = opened.file();
        if (file == null) {
            return opened.error();
        }
        try {
            return resize(t, file, length);
        } finally {
            file.put();
        }
    }
}
