package faultline.emulator.syscall.file;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.mm.MmLayout;
import java.lang.foreign.MemorySegment;

/** Moves bytes from guest memory to an open file, through the thread's bounce buffer. */
final class UserWrite {
    private UserWrite() {}

    /**
     * Writes {@code wanted} bytes from {@code buf}.
     *
     * @param wanted bytes to write; no more than RLIMIT_FSIZE lets through
     * @param pos where in the file, or negative for the file position
     * @return bytes written, less at a bad address, a full disk or a signal
     */
    static long run(Task t, OpenFile file, long buf, long wanted, long pos, int flags) {
        long count = FileSizeLimit.allowed(t, file, wanted, pos);
        if (count < 0) {
            return count;
        }
        if (buf < 0 || buf + count < 0 || buf + count > MmLayout.TASK_SIZE) {
            return -Errno.EFAULT;
        }
        if (file.isDirect()) {
            return DirectTransfer.run(t, file, buf, count, pos, flags, true);
        }
        MemorySegment bounce = HostScratch.get().bounce(count);
        long done = 0;
        do {
            long want = Math.min(count - done, bounce.byteSize());
            long got = want == 0 ? 0 : t.user().copyIn(buf + done, bounce, 0, want);
            if (got == 0 && want > 0) {
                return done > 0 ? done : -Errno.EFAULT;
            }
            long n = pos < 0 ? file.write(t, bounce, got, flags) : file.pwrite(t, bounce, got, pos + done, flags);
            if (n < 0) {
                return done > 0 ? done : finish(t, n);
            }
            done += n;
            if (n < want) {
                return done;
            }
        } while (done < count);
        return done;
    }

    /** A broken pipe is a signal too, whose default ends the program. */
    static long finish(Task t, long result) {
        if (result == -Errno.EPIPE) {
            BrokenPipe.signal(t);
        }
        return result;
    }
}
