package faultline.emulator.syscall.file;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.mm.MmLayout;
import java.lang.foreign.MemorySegment;

/** Moves bytes from an open file to guest memory, through the thread's bounce buffer. */
final class UserRead {
    private UserRead() {}

    /**
     * Reads {@code count} bytes to {@code buf}.
     *
     * @param pos where in the file, or negative for the file position
     * @return bytes read, less at the end of the file, at a bad address, or when a pipe or terminal had less
     */
    static long run(Task t, OpenFile file, long buf, long count, long pos, int flags) {
        if (buf < 0 || buf + count < 0 || buf + count > MmLayout.TASK_SIZE) {
            return -Errno.EFAULT;
        }
        if (file.isDirect()) {
            return DirectTransfer.run(t, file, buf, count, pos, flags, false);
        }
        boolean resumable = file.neverBlocks();
        long room = count;
        if (!resumable && count > 0) {
            room = ReadRoom.writable(t, buf, count);
            long error = room < count ? ReadRoom.check(t, file, room) : 0;
            if (error < 0) {
                return error;
            }
        }
        MemorySegment bounce = HostScratch.get().bounce(room);
        long done = 0;
        do {
            long want = Math.min(room - done, bounce.byteSize());
            long n = pos < 0 ? file.read(t, bounce, want, flags) : file.pread(t, bounce, want, pos + done, flags);
            if (n <= 0) {
                return done > 0 ? done : n;
            }
            long copied = t.user().copyOut(buf + done, bounce, 0, n);
            done += copied;
            if (copied < n) {
                if (pos < 0 && resumable) {
                    file.lseek(copied - n, 1);
                }
                return done > 0 ? done : -Errno.EFAULT;
            }
            if (n < want || !resumable) {
                return done;
            }
        } while (done < room);
        return done;
    }
}
