package faultline.emulator.syscall.file;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.AsyncSignals;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;

/** read, write and their kin, and lseek. */
final class ReadWriteCalls implements SyscallFamily {
    /** MAX_RW_COUNT: the most one call transfers. */
    static final long MAX_COUNT = 0x7fff_f000L;

    static final long AT_POSITION = -1;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.READ, "read", (t, fd, buf, n, d, e, f) -> single(t, fd, buf, n, AT_POSITION, false));
        table.register(Nr.WRITE, "write", (t, fd, buf, n, d, e, f) -> single(t, fd, buf, n, AT_POSITION, true));
        table.register(
                Nr.PREAD64,
                "pread64",
                (t, fd, buf, n, pos, e, f) -> pos < 0 ? -Errno.EINVAL : single(t, fd, buf, n, pos, false));
        table.register(
                Nr.PWRITE64,
                "pwrite64",
                (t, fd, buf, n, pos, e, f) -> pos < 0 ? -Errno.EINVAL : single(t, fd, buf, n, pos, true));
        table.register(Nr.READV, "readv", (t, fd, v, n, d, e, f) -> vector(t, fd, v, n, AT_POSITION, 0, false));
        table.register(Nr.WRITEV, "writev", (t, fd, v, n, d, e, f) -> vector(t, fd, v, n, AT_POSITION, 0, true));
        table.register(
                Nr.PREADV,
                "preadv",
                (t, fd, v, n, pos, hi, f) -> pos < 0 ? -Errno.EINVAL : vector(t, fd, v, n, pos, 0, false));
        table.register(
                Nr.PWRITEV,
                "pwritev",
                (t, fd, v, n, pos, hi, f) -> pos < 0 ? -Errno.EINVAL : vector(t, fd, v, n, pos, 0, true));
        table.register(
                Nr.PREADV2,
                "preadv2",
                (t, fd, v, n, pos, hi, flags) ->
                        pos < -1 ? -Errno.EINVAL : vector(t, fd, v, n, pos, (int) flags, false));
        table.register(
                Nr.PWRITEV2,
                "pwritev2",
                (t, fd, v, n, pos, hi, flags) ->
                        pos < -1 ? -Errno.EINVAL : vector(t, fd, v, n, pos, (int) flags, true));
        table.register(
                Nr.LSEEK,
                "lseek",
                (t, fd, off, whence, d, e, f) -> FileCall.onFile(t, fd, file -> file.lseek(off, (int) whence)));
    }

    private static long single(Task t, long fd, long buf, long count, long pos, boolean write) {
        OpenFile file = FileCall.files(t).get((int) fd);
        if (file == null) {
            return -Errno.EBADF;
        }
        try {
            long error = check(t, file, write);
            if (error < 0) {
                return error;
            }
            if (count < 0) {
                return -Errno.EINVAL;
            }
            long n = write
                    ? UserWrite.run(t, file, buf, Math.min(count, MAX_COUNT), pos, 0)
                    : UserRead.run(t, file, buf, Math.min(count, MAX_COUNT), pos, 0);
            return settled(file, n);
        } finally {
            file.put();
        }
    }

    /** Whom the transfer signals (O_ASYNC) has the signal before the call is over. */
    private static long settled(OpenFile file, long result) {
        if (!file.neverBlocks()) {
            AsyncSignals.settle();
        }
        return result;
    }

    private static long check(Task t, OpenFile file, boolean write) {
        long error = checkDirection(file, write);
        if (error < 0 || file.neverBlocks() || file.terminal() == 0) {
            return error;
        }
        return write
                ? t.kernel().terminals().beforeWrite(t, file)
                : t.kernel().terminals().beforeRead(t, file);
    }

    private static long checkDirection(OpenFile file, boolean write) {
        // The host checks its own descriptors; asking here only matters before user memory is touched.
        return file.hostFd() >= 0 || (write ? file.writable() : file.readable()) ? 0 : -Errno.EBADF;
    }

    /**
     * readv and writev with all that the later ones can say; {@code pos} {@link #AT_POSITION} for the file position.
     */
    static long vector(Task t, long fd, long vec, long count, long pos, int flags, boolean write) {
        return FileCall.onFile(t, fd, file -> {
            long error = check(t, file, write);
            if (error < 0) {
                return error;
            }
            if ((int) count < 0 || count > IoVector.MAX) {
                return -Errno.EINVAL;
            }
            long[] iov = new long[(int) count * 2];
            error = IoVector.read(t, vec, iov);
            if (error < 0) {
                return error;
            }
            long n = write ? gatherWrite(t, file, iov, pos, flags) : scatterRead(t, file, iov, pos, flags);
            return settled(file, n);
        });
    }

    /** A whole vector that fits the bounce buffer is one host call: a datagram, or one line of output, stays whole. */
    private static long gatherWrite(Task t, OpenFile file, long[] iov, long pos, int flags) {
        long total = IoVector.total(iov);
        long room = FileSizeLimit.allowed(t, file, total, pos);
        if (room < 0) {
            return room;
        }
        if (total > HostScratch.MAX_BOUNCE || room < total || file.isDirect()) {
            return piecewise(t, file, iov, pos, flags, true);
        }
        MemorySegment bounce = HostScratch.get().bounce(total);
        long filled = IoVector.copyIn(t, iov, bounce, total);
        if (filled < total && filled == 0) {
            return -Errno.EFAULT;
        }
        long n = pos < 0 ? file.write(t, bounce, filled, flags) : file.pwrite(t, bounce, filled, pos, flags);
        return UserWrite.finish(t, n);
    }

    private static long scatterRead(Task t, OpenFile file, long[] iov, long pos, int flags) {
        long total = IoVector.total(iov);
        if (total > HostScratch.MAX_BOUNCE && file.neverBlocks() || file.isDirect()) {
            return piecewise(t, file, iov, pos, flags, false);
        }
        MemorySegment bounce = HostScratch.get().bounce(total);
        long room = Math.min(total, bounce.byteSize());
        if (!file.neverBlocks() && total > 0) {
            long writable = ReadRoom.writable(t, iov);
            long error = writable < total ? ReadRoom.check(t, file, writable) : 0;
            if (error < 0) {
                return error;
            }
            room = Math.min(room, writable);
        }
        long n = pos < 0 ? file.read(t, bounce, room, flags) : file.pread(t, bounce, room, pos, flags);
        if (n <= 0) {
            return n;
        }
        long copied = IoVector.copyOut(t, iov, bounce, n);
        if (copied < n && pos < 0 && file.neverBlocks()) {
            file.lseek(copied - n, 1);
        }
        return copied == 0 ? -Errno.EFAULT : copied;
    }

    private static long piecewise(Task t, OpenFile file, long[] iov, long pos, int flags, boolean write) {
        long done = 0;
        for (int i = 0; i < iov.length; i += 2) {
            if (iov[i + 1] == 0) {
                continue;
            }
            long at = pos < 0 ? pos : pos + done;
            long n = write
                    ? UserWrite.run(t, file, iov[i], iov[i + 1], at, flags)
                    : UserRead.run(t, file, iov[i], iov[i + 1], at, flags);
            if (n < 0) {
                return done > 0 ? done : n;
            }
            done += n;
            if (n < iov[i + 1]) {
                break;
            }
        }
        return done;
    }
}
