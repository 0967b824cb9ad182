package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostWait;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.Nr;
import faultline.emulator.syscall.Restart;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;

/** poll, ppoll, select and pselect6: waiting for descriptors. */
final class PollCalls implements SyscallFamily {
    private static final int POLLIN_SET = 0x0001 | 0x0040 | 0x0080 | 0x0010 | 0x0008;
    private static final int POLLOUT_SET = 0x0004 | 0x0100 | 0x0200 | 0x0008;
    private static final int POLLEX_SET = 0x0002;
    private static final int FD_SETSIZE_MAX = 1 << 20;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.POLL,
                "poll",
                (t, fds, n, millis, d, e, f) ->
                        poll(t, fds, n, (int) millis < 0 ? HostWait.FOREVER : (int) millis * 1_000_000L));
        table.register(Nr.PPOLL, "ppoll", PollCalls::ppoll);
        table.register(Nr.SELECT, "select", PollCalls::select);
        table.register(Nr.PSELECT6, "pselect6", PollCalls::pselect6);
    }

    private static long poll(Task t, long fds, long count, long nanos) {
        if (Long.compareUnsigned(count & 0xffff_ffffL, t.process().rlimits().soft(Rlimits.NOFILE)) > 0) {
            return -Errno.EINVAL;
        }
        int n = (int) count;
        try (PollSet set = new PollSet(n)) {
            for (int i = 0; i < n; i++) {
                long at = fds + (long) i * HostWait.POLLFD;
                int fd = t.user().getInt(at);
                int events = t.user().getShort(at + 4) & 0xffff;
                set.add(t, fd, events);
            }
            long ready = set.await(t, nanos);
            if (ready < 0 && ready != HostWait.INTERRUPTED) {
                return ready;
            }
            for (int i = 0; i < n; i++) {
                t.user().putShort(fds + (long) i * HostWait.POLLFD + 6, (short) set.revents(i));
            }
            return ready == HostWait.INTERRUPTED ? -Restart.ERESTARTNOHAND : ready;
        }
    }

    private static long ppoll(Task t, long fds, long count, long timeout, long mask, long maskSize, long f) {
        long nanos = Timeouts.timespec(t, timeout);
        if (nanos < 0) {
            return nanos;
        }
        long start = t.nanoTime();
        return TemporaryMask.with(t, mask, maskSize, () -> {
            long r = poll(t, fds, count, nanos);
            Timeouts.writeTimespec(t, timeout, nanos, start);
            return r;
        });
    }

    private static long select(Task t, long n, long in, long out, long ex, long timeout, long f) {
        long nanos = Timeouts.timeval(t, timeout);
        if (nanos < 0) {
            return nanos;
        }
        long start = t.nanoTime();
        long r = select(t, (int) n, in, out, ex, nanos);
        Timeouts.writeTimeval(t, timeout, nanos, start);
        return r;
    }

    private static long pselect6(Task t, long n, long in, long out, long ex, long timeout, long sig) {
        long nanos = Timeouts.timespec(t, timeout);
        if (nanos < 0) {
            return nanos;
        }
        long mask = sig == 0 ? 0 : t.user().getLong(sig);
        long maskSize = sig == 0 ? 0 : t.user().getLong(sig + 8);
        long start = t.nanoTime();
        return TemporaryMask.with(t, mask, maskSize, () -> {
            long r = select(t, (int) n, in, out, ex, nanos);
            Timeouts.writeTimespec(t, timeout, nanos, start);
            return r;
        });
    }

    private static long select(Task t, int wanted, long in, long out, long ex, long nanos) {
        if (wanted < 0) {
            return -Errno.EINVAL;
        }
        // Linux cuts n to the table's size without a word.
        int n = Math.min(Math.min(wanted, FD_SETSIZE_MAX), FileCall.files(t).capacity());
        long[] inBits = readSet(t, in, n);
        long[] outBits = readSet(t, out, n);
        long[] exBits = readSet(t, ex, n);
        try (PollSet set = new PollSet(n)) {
            for (int fd = 0; fd < n; fd++) {
                int events = (bit(inBits, fd) ? POLLIN_SET : 0)
                        | (bit(outBits, fd) ? POLLOUT_SET : 0)
                        | (bit(exBits, fd) ? POLLEX_SET : 0);
                if (events != 0) {
                    OpenFile file = FileCall.files(t).get(fd);
                    if (file == null) {
                        return -Errno.EBADF;
                    }
                    file.put();
                    set.add(t, fd, events);
                } else {
                    set.add(t, -1, 0);
                }
            }
            long ready = set.await(t, nanos);
            if (ready < 0) {
                return ready == HostWait.INTERRUPTED ? -Restart.ERESTARTNOHAND : ready;
            }
            return give(t, set, inBits, in, POLLIN_SET)
                    + give(t, set, outBits, out, POLLOUT_SET)
                    + give(t, set, exBits, ex, POLLEX_SET);
        }
    }

    /** Writes back which of the wanted descriptors are ready, and returns how many. */
    private static long give(Task t, PollSet set, long[] wanted, long address, int events) {
        if (address == 0) {
            return 0;
        }
        long count = 0;
        for (int w = 0; w < wanted.length; w++) {
            long result = 0;
            for (long left = wanted[w]; left != 0; left &= left - 1) {
                int bit = Long.numberOfTrailingZeros(left);
                if ((set.revents(w * 64 + bit) & events) != 0) {
                    result |= 1L << bit;
                    count++;
                }
            }
            t.user().putLong(address + w * 8L, result);
        }
        return count;
    }

    /** The first {@code n} bits of a set; those behind them in the last word mean nothing. */
    private static long[] readSet(Task t, long address, int n) {
        long[] bits = new long[n + 63 >>> 6];
        for (int w = 0; address != 0 && w < bits.length; w++) {
            bits[w] = t.user().getLong(address + w * 8L);
        }
        if ((n & 63) != 0) {
            bits[bits.length - 1] &= (1L << n) - 1;
        }
        return bits;
    }

    private static boolean bit(long[] set, int fd) {
        return (set[fd >>> 6] >>> fd & 1) != 0;
    }
}
