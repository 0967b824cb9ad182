package faultline.emulator.syscall.file;

import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.mm.MmLayout;
import java.lang.foreign.MemorySegment;

/** {@code struct iovec} arrays of the guest: pairs of address and length in a {@code long[]}. */
final class IoVector {
    /** UIO_MAXIOV. */
    static final int MAX = 1024;

    private IoVector() {}

    /**
     * Reads {@code iov.length / 2} entries and cuts their total to MAX_RW_COUNT.
     *
     * @return 0, -EINVAL for a negative length, -EFAULT for an address beyond user space
     */
    static long read(Task t, long address, long[] iov) {
        long total = 0;
        for (int i = 0; i < iov.length; i += 2) {
            iov[i] = t.user().getLong(address + i * 8L);
            iov[i + 1] = t.user().getLong(address + i * 8L + 8);
            if (iov[i + 1] < 0) {
                return -Errno.EINVAL;
            }
            if (iov[i] < 0 || iov[i] + iov[i + 1] < 0 || iov[i] + iov[i + 1] > MmLayout.TASK_SIZE) {
                return -Errno.EFAULT;
            }
            iov[i + 1] = Math.min(iov[i + 1], ReadWriteCalls.MAX_COUNT - total);
            total += iov[i + 1];
        }
        return 0;
    }

    static long total(long[] iov) {
        long sum = 0;
        for (int i = 1; i < iov.length; i += 2) {
            sum += iov[i];
        }
        return sum;
    }

    /** Gathers up to {@code max} bytes; returns how many before the first bad address. */
    static long copyIn(Task t, long[] iov, MemorySegment to, long max) {
        long done = 0;
        for (int i = 0; i < iov.length && done < max; i += 2) {
            long n = Math.min(iov[i + 1], max - done);
            long copied = n == 0 ? 0 : t.user().copyIn(iov[i], to, done, n);
            done += copied;
            if (copied < n) {
                break;
            }
        }
        return done;
    }

    /** Scatters {@code length} bytes; returns how many before the first bad address. */
    static long copyOut(Task t, long[] iov, MemorySegment from, long length) {
        long done = 0;
        for (int i = 0; i < iov.length && done < length; i += 2) {
            long n = Math.min(iov[i + 1], length - done);
            long copied = n == 0 ? 0 : t.user().copyOut(iov[i], from, done, n);
            done += copied;
            if (copied < n) {
                break;
            }
        }
        return done;
    }
}
