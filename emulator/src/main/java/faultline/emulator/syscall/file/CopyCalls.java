package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostFile;
import faultline.emulator.fs.HostWait;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.util.function.LongSupplier;

/**
 * Copies between two descriptors: sendfile, copy_file_range, splice, tee.
 *
 * <p>sendfile and copy_file_range read and write as read(2) and write(2) do, so that cached pages of either file take
 * part. splice and tee move the host's pipe buffers.
 */
final class CopyCalls implements SyscallFamily {
    private static final int SPLICE_F_NONBLOCK = 2;
    private static final int SPLICE_FLAGS = 0xf;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.SENDFILE,
                "sendfile",
                (t, out, in, offset, count, e, f) -> FileCall.onFile(
                        t, in, from -> FileCall.onFile(t, out, to -> sendfile(t, from, to, offset, count))));
        table.register(
                Nr.COPY_FILE_RANGE,
                "copy_file_range",
                (t, in, inOff, out, outOff, n, flags) -> FileCall.onFile(
                        t, in, from -> FileCall.onFile(t, out, to -> copyRange(t, from, inOff, to, outOff, n, flags))));
        table.register(
                Nr.SPLICE,
                "splice",
                (t, in, inOff, out, outOff, n, flags) -> FileCall.onHostFd(
                        t,
                        in,
                        -Errno.EINVAL,
                        from -> FileCall.onHostFd(
                                t, out, -Errno.EINVAL, to -> splice(t, from, inOff, to, outOff, n, flags))));
        table.register(
                Nr.TEE,
                "tee",
                (t, in, out, n, flags, e, f) -> FileCall.onHostFd(
                        t,
                        in,
                        -Errno.EINVAL,
                        from -> FileCall.onHostFd(
                                t,
                                out,
                                -Errno.EINVAL,
                                to -> whenReady(
                                        t,
                                        from,
                                        to,
                                        (flags & SPLICE_F_NONBLOCK) != 0,
                                        () -> Libc.call(
                                                Nr.TEE, from.hostFd(), to.hostFd(), n, flags | SPLICE_F_NONBLOCK)))));
    }

    private static long sendfile(Task t, OpenFile from, OpenFile to, long offsetAddress, long count) {
        if (!from.readable() || !to.writable()) {
            return -Errno.EBADF;
        }
        if ((to.statusFlags() & OpenFlags.O_APPEND) != 0 || count < 0) {
            return -Errno.EINVAL;
        }
        if (offsetAddress == 0) {
            return copy(t, from, -1, to, -1, Math.min(count, ReadWriteCalls.MAX_COUNT));
        }
        long offset = t.user().getLong(offsetAddress);
        if (offset < 0) {
            return -Errno.EINVAL;
        }
        long done = copy(t, from, offset, to, -1, Math.min(count, ReadWriteCalls.MAX_COUNT));
        // Stored whatever came of it: where that is not possible, the bytes are copied and the call fails.
        t.user().putLong(offsetAddress, offset + Math.max(done, 0));
        return done;
    }

    private static long copyRange(
            Task t, OpenFile from, long inAddress, OpenFile to, long outAddress, long count, long flags) {
        if (flags != 0) {
            return -Errno.EINVAL;
        }
        long error = checkRegular(from);
        error = error < 0 ? error : checkRegular(to);
        if (error < 0) {
            return error;
        }
        if (!from.readable() || !to.writable() || (to.statusFlags() & OpenFlags.O_APPEND) != 0) {
            return -Errno.EBADF;
        }
        long in = inAddress == 0 ? -1 : t.user().getLong(inAddress);
        long out = outAddress == 0 ? -1 : t.user().getLong(outAddress);
        if (inAddress != 0 && in < 0 || outAddress != 0 && out < 0) {
            return -Errno.EINVAL;
        }
        error = copyRangeChecks(from, in, to, out, count);
        if (error < 0) {
            return error;
        }
        long done = copy(t, from, in, to, out, Math.min(count, ReadWriteCalls.MAX_COUNT));
        if (done > 0 && inAddress != 0) {
            t.user().putLong(inAddress, in + done);
        }
        if (done > 0 && outAddress != 0) {
            t.user().putLong(outAddress, out + done);
        }
        return done;
    }

    /** The host says for nothing to be copied what it has against these two files: another file system, immutable, … */
    @KernelFunction(value = "generic_copy_file_checks", file = "fs/read_write.c")
    private static long copyRangeChecks(OpenFile from, long in, OpenFile to, long out, long count) {
        if (from.hostFd() >= 0 && to.hostFd() >= 0) {
            long error = Libc.call(Nr.COPY_FILE_RANGE, from.hostFd(), 0, to.hostFd(), 0, 0, 0);
            if (error < 0) {
                return error;
            }
        }
        if (isSwapFile(from) || isSwapFile(to)) {
            return -Errno.ETXTBSY;
        }
        long first = in < 0 ? from.lseek(0, 1) : in;
        long target = out < 0 ? to.lseek(0, 1) : out;
        if (first + count < first || target + count < target) {
            return -Errno.EOVERFLOW;
        }
        return overlaps(from, first, to, target, count) ? -Errno.EINVAL : 0;
    }

    private static boolean isSwapFile(OpenFile file) {
        return file.mapped() != null && file.mapped().isSwapFile();
    }

    private static long checkRegular(OpenFile file) {
        MemorySegment stat = HostScratch.get().struct();
        long r = file.fstat(stat);
        int type = HostStat.mode(stat) & HostStat.S_IFMT;
        return r < 0 ? r : type == HostStat.S_IFREG ? 0 : type == HostStat.S_IFDIR ? -Errno.EISDIR : -Errno.EINVAL;
    }

    private static boolean overlaps(OpenFile from, long in, OpenFile to, long out, long count) {
        MemorySegment stat = HostScratch.get().struct();
        from.fstat(stat);
        long ino = HostStat.ino(stat);
        long dev = HostStat.dev(stat);
        to.fstat(stat);
        if (ino != HostStat.ino(stat) || dev != HostStat.dev(stat)) {
            return false;
        }
        return in < out + count && out < in + count;
    }

    /** Copies up to {@code count} bytes; a negative offset stands for the file position. */
    private static long copy(Task t, OpenFile from, long in, OpenFile to, long out, long count) {
        MemorySegment bounce = HostScratch.get().bounce(count);
        long done = 0;
        while (done < count) {
            long want = Math.min(count - done, bounce.byteSize());
            long n = in < 0 ? from.read(t, bounce, want, 0) : from.pread(t, bounce, want, in + done, 0);
            if (n <= 0) {
                return done > 0 ? done : n;
            }
            long written = out < 0 ? to.write(t, bounce, n, 0) : to.pwrite(t, bounce, n, out + done, 0);
            if (written < n && in < 0 && from.neverBlocks()) {
                from.lseek(Math.max(written, 0) - n, 1);
            }
            if (written < 0) {
                return done > 0 ? done : UserWrite.finish(t, written);
            }
            done += written;
            if (written < n || n < want) {
                return done;
            }
        }
        return done;
    }

    private static long splice(
            Task t, OpenFile from, long inAddress, OpenFile to, long outAddress, long count, long flags) {
        if ((flags & ~SPLICE_FLAGS) != 0) {
            return -Errno.EINVAL;
        }
        if (!from.readable() || !to.writable()) {
            return -Errno.EBADF;
        }
        if (!(from instanceof HostFile) || !(to instanceof HostFile)) {
            return -Errno.EINVAL;
        }
        if (!PipeMemoryCalls.isPipe(from) && !PipeMemoryCalls.isPipe(to)) {
            return -Errno.EINVAL;
        }
        if (to.mapped() != null) {
            return spliceToFile(t, from, inAddress, to, outAddress, count);
        }
        MemorySegment offsets = HostScratch.get().struct();
        if (inAddress != 0) {
            t.user().read(inAddress, offsets, 0, 8);
        }
        if (outAddress != 0) {
            t.user().read(outAddress, offsets, 8, 8);
        }
        long in = inAddress == 0 ? 0 : offsets.address();
        long out = outAddress == 0 ? 0 : offsets.address() + 8;
        from.writeback();
        long n = whenReady(
                t,
                from,
                to,
                (flags & SPLICE_F_NONBLOCK) != 0,
                () -> Libc.call(Nr.SPLICE, from.hostFd(), in, to.hostFd(), out, count, flags | SPLICE_F_NONBLOCK));
        if (n >= 0 && inAddress != 0) {
            t.user().write(inAddress, offsets, 0, 8);
        }
        if (n >= 0 && outAddress != 0) {
            t.user().write(outAddress, offsets, 8, 8);
        }
        return UserWrite.finish(t, n);
    }

    /** Into a regular file as write(2) does it, so that cached pages of the file follow. */
    private static long spliceToFile(Task t, OpenFile from, long inAddress, OpenFile to, long outAddress, long count) {
        if (inAddress != 0) {
            return -Errno.ESPIPE;
        }
        if (from.mapped() != null || (to.statusFlags() & OpenFlags.O_APPEND) != 0) {
            return -Errno.EINVAL;
        }
        long out = outAddress == 0 ? -1 : t.user().getLong(outAddress);
        long done = copy(t, from, -1, to, out, Math.min(count, HostScratch.MAX_BOUNCE));
        if (done > 0 && outAddress != 0) {
            t.user().putLong(outAddress, out + done);
        }
        return done;
    }

    /** Tries a non-blocking host call until it does not say EAGAIN, waiting for both ends in between. */
    private static long whenReady(Task t, OpenFile from, OpenFile to, boolean once, LongSupplier call) {
        while (true) {
            long n = call.getAsLong();
            boolean nonBlocking = once || ((from.statusFlags() | to.statusFlags()) & OpenFlags.O_NONBLOCK) != 0;
            if (n != -Errno.EAGAIN || nonBlocking) {
                return n;
            }
            long ready = HostWait.until(t, from.hostFd(), HostWait.POLLIN);
            ready = ready < 0 ? ready : HostWait.until(t, to.hostFd(), HostWait.POLLOUT);
            if (ready < 0) {
                return ready;
            }
        }
    }
}
