package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostFile;
import faultline.emulator.fs.HostWait;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * epoll, by an epoll of the host: it watches the host descriptors behind the guest's, and carries the guest's 64 bits
 * of data unread. A wait is one on the epoll descriptor itself, so that a signal can end it; where something is watched
 * with EPOLLEXCLUSIVE, see {@link ExclusiveWait}.
 */
final class EpollCalls implements SyscallFamily {
    private static final int EVENT_SIZE = 12;
    private static final int MAX_EVENTS = Integer.MAX_VALUE / EVENT_SIZE;
    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLL_CTL_DEL = 2;
    private static final int EPOLLEXCLUSIVE = 1 << 28;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.EPOLL_CREATE,
                "epoll_create",
                (t, size, b, c, d, e, f) -> (int) size <= 0 ? -Errno.EINVAL : create(t, 0));
        table.register(Nr.EPOLL_CREATE1, "epoll_create1", (t, flags, b, c, d, e, f) -> create(t, (int) flags));
        table.register(Nr.EPOLL_CTL, "epoll_ctl", EpollCalls::control);
        table.register(
                Nr.EPOLL_WAIT,
                "epoll_wait",
                (t, ep, events, n, millis, e, f) -> await(t, ep, events, (int) n, millis(millis)));
        table.register(
                Nr.EPOLL_PWAIT,
                "epoll_pwait",
                (t, ep, events, n, millis, mask, size) ->
                        TemporaryMask.with(t, mask, size, () -> await(t, ep, events, (int) n, millis(millis))));
        table.register(Nr.EPOLL_PWAIT2, "epoll_pwait2", (t, ep, events, n, timeout, mask, size) -> {
            long nanos = Timeouts.timespec(t, timeout);
            return nanos < 0 ? nanos : TemporaryMask.with(t, mask, size, () -> await(t, ep, events, (int) n, nanos));
        });
    }

    private static long millis(long value) {
        return (int) value < 0 ? HostWait.FOREVER : (int) value * 1_000_000L;
    }

    private static long create(Task t, int flags) {
        long fd = Libc.call(Nr.EPOLL_CREATE1, flags & 0xffff_ffffL | OpenFlags.O_CLOEXEC);
        return DescriptorCalls.adopt(t, fd, (flags & OpenFlags.O_CLOEXEC) != 0);
    }

    private static long control(Task t, long ep, long op, long fd, long event, long e, long f) {
        return FileCall.onHostFd(
                t,
                ep,
                -Errno.EINVAL,
                epoll -> FileCall.onHostFd(t, fd, -Errno.EPERM, file -> change(t, epoll, (int) op, file, event)));
    }

    private static long change(Task t, OpenFile epoll, int op, OpenFile file, long event) {
        if (epoll == file) {
            return -Errno.EINVAL;
        }
        MemorySegment block = HostScratch.get().struct();
        if (op != EPOLL_CTL_DEL) {
            file.beforeWait(t);
            t.user().read(event, block, 0, EVENT_SIZE);
        }
        long result = Libc.call(Nr.EPOLL_CTL, epoll.hostFd(), op, file.hostFd(), block.address());
        boolean exclusive = op == EPOLL_CTL_ADD && (block.get(ValueLayout.JAVA_INT, 0) & EPOLLEXCLUSIVE) != 0;
        if (result == 0 && exclusive && epoll instanceof HostFile host) {
            host.markWatchesExclusively();
        }
        return result;
    }

    private static long await(Task t, long ep, long events, int max, long nanos) {
        if (max <= 0 || max > MAX_EVENTS) {
            return -Errno.EINVAL;
        }
        return FileCall.onHostFd(t, ep, -Errno.EINVAL, epoll -> {
            long deadline = nanos == HostWait.FOREVER ? 0 : t.nanoTime() + nanos;
            int room = Math.min(max, HostScratch.MAX_BOUNCE / EVENT_SIZE);
            MemorySegment block = HostScratch.get().bounce((long) room * EVENT_SIZE);
            boolean exclusive = !t.pollsHost() && epoll instanceof HostFile host && host.watchesExclusively();
            long n = Libc.call(Nr.EPOLL_WAIT, epoll.hostFd(), block.address(), room, 0);
            while (true) {
                if (n > 0) {
                    t.user().write(events, block, 0, n * EVENT_SIZE);
                }
                if (n != 0 || nanos == 0) {
                    return n;
                }
                long left = nanos == HostWait.FOREVER ? nanos : deadline - t.nanoTime();
                if (left <= 0) {
                    return 0;
                }
                long ready = exclusive
                        ? ExclusiveWait.run(t, epoll.hostFd(), block, room, left)
                        : HostWait.until(t, epoll.hostFd(), HostWait.POLLIN, left);
                if (ready < 0) {
                    return ready == HostWait.INTERRUPTED ? -Errno.EINTR : ready;
                }
                n = exclusive ? ready : Libc.call(Nr.EPOLL_WAIT, epoll.hostFd(), block.address(), room, 0);
            }
        });
    }
}
