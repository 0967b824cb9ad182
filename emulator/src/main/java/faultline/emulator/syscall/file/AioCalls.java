package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostWait;
import faultline.emulator.host.Nr;
import faultline.emulator.syscall.Restart;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.emulator.task.UserFault;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmapFlags;
import java.util.List;

/**
 * Asynchronous input and output: io_setup, io_submit, io_getevents, io_pgetevents, io_cancel, io_destroy.
 *
 * <p>A queue's id is the address of its ring, as on Linux; the ring here is memory without content, by which libaio
 * knows that it has to ask.
 */
final class AioCalls implements SyscallFamily {
    /** Most places of all queues (/proc/sys/fs/aio-max-nr); here of an address space. */
    private static final int MOST_REQUESTS = 0x10000;

    private static final int MOST_EVENTS = 0x1000_0000 / AioContext.EVENT_SIZE;
    private static final long SECOND = 1_000_000_000L;
    private static final int PROT_READ_WRITE = 3;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.IO_SETUP, "io_setup", (t, nr, id, c, d, e, f) -> setup(t, (int) nr, id));
        table.register(Nr.IO_DESTROY, "io_destroy", (t, id, b, c, d, e, f) -> destroy(t, id));
        table.register(Nr.IO_SUBMIT, "io_submit", (t, id, nr, iocbs, d, e, f) -> submit(t, id, nr, iocbs));
        table.register(Nr.IO_CANCEL, "io_cancel", (t, id, iocb, result, d, e, f) -> cancel(t, id, iocb));
        table.register(Nr.IO_GETEVENTS, "io_getevents", (t, id, min, nr, events, timeout, f) -> {
            long got = events(t, id, min, nr, events, nanos(t, timeout));
            return got == 0 && t.signalPending() ? -Errno.EINTR : got;
        });
        table.register(Nr.IO_PGETEVENTS, "io_pgetevents", AioCalls::maskedEvents);
    }

    private static AioTable table(Task t) {
        return t.process().space().aio();
    }

    @KernelFunction(value = "ioctx_alloc", file = "fs/aio.c")
    private static long setup(Task t, int requests, long idAddress) {
        if (t.user().getLong(idAddress) != 0 || requests == 0) {
            return -Errno.EINVAL;
        }
        if (Integer.compareUnsigned(requests, MOST_EVENTS / 2) > 0) {
            return -Errno.EINVAL;
        }
        if (requests > MOST_REQUESTS || table(t).places() + requests > MOST_REQUESTS) {
            return -Errno.EAGAIN;
        }
        long bytes = AioContext.ringBytes(requests);
        int how = MmapFlags.PRIVATE | MmapFlags.ANONYMOUS;
        long ring = t.kernel().memory().mmap().doMmap(t.mm(), t.fault(), 0, bytes, PROT_READ_WRITE, how, null, 0);
        if (ring < 0) {
            return -Errno.ENOMEM;
        }
        AioContext context = new AioContext(ring, bytes);
        table(t).add(context);
        try {
            t.user().putLong(idAddress, ring);
            return 0;
        } catch (UserFault e) {
            destroy(t, ring);
            throw e;
        }
    }

    private static long destroy(Task t, long id) {
        AioContext context = table(t).remove(id);
        if (context == null) {
            return -Errno.EINVAL;
        }
        context.kill();
        t.kernel().memory().munmap().run(t.mm(), t.fault(), id, context.bytes());
        return 0;
    }

    private static long submit(Task t, long id, long count, long iocbs) {
        if (count < 0) {
            return -Errno.EINVAL;
        }
        AioContext context = table(t).find(id);
        if (context == null) {
            return -Errno.EINVAL;
        }
        long most = Math.min(count, context.places());
        for (long i = 0; i < most; i++) {
            long error;
            try {
                error = AioRequest.submit(t, context, t.user().getLong(iocbs + 8 * i));
            } catch (UserFault e) {
                error = -Errno.EFAULT;
            }
            if (error < 0) {
                return i > 0 ? i : error;
            }
        }
        return most;
    }

    /** Its event comes all the same: -EINPROGRESS says so. */
    private static long cancel(Task t, long id, long iocb) {
        if (t.user().getInt(iocb + 8) != 0) {
            return -Errno.EINVAL;
        }
        AioContext context = table(t).find(id);
        AioPoll poll = context == null ? null : context.find(iocb);
        if (poll == null) {
            return -Errno.EINVAL;
        }
        poll.cancel();
        return -Errno.EINPROGRESS;
    }

    private static long maskedEvents(Task t, long id, long min, long nr, long events, long timeout, long signals) {
        long nanos = nanos(t, timeout);
        long mask = signals == 0 ? 0 : t.user().getLong(signals);
        long size = signals == 0 ? 0 : t.user().getLong(signals + 8);
        return TemporaryMask.with(t, mask, size, () -> {
            long got = events(t, id, min, nr, events, nanos);
            return got == 0 && t.signalPending() ? -Restart.ERESTARTNOHAND : got;
        });
    }

    /** Nobody checks this time: one before now is no end at all, as on Linux. */
    private static long nanos(Task t, long address) {
        if (address == 0) {
            return HostWait.FOREVER;
        }
        long seconds = t.user().getLong(address);
        long nanos = t.user().getLong(address + 8);
        boolean counts = seconds >= 0 && seconds < HostWait.FOREVER / SECOND - 1;
        return counts && seconds * SECOND + nanos >= 0 ? seconds * SECOND + nanos : HostWait.FOREVER;
    }

    /**
     * Fetches events, waiting for {@code min} of them.
     *
     * @return how many, fewer when the time was over, a signal came or the queue was destroyed
     */
    @KernelFunction(value = "read_events", file = "fs/aio.c")
    private static long events(Task t, long id, long min, long most, long address, long nanos) {
        AioContext context = table(t).find(id);
        if (context == null || min < 0 || min > most) {
            return -Errno.EINVAL;
        }
        long deadline = nanos == HostWait.FOREVER ? 0 : t.nanoTime() + nanos;
        long done = 0;
        context.waiters().add(t);
        try {
            while (true) {
                done += store(t, address + done * AioContext.EVENT_SIZE, context.take(most - done));
                long left = nanos == HostWait.FOREVER ? Sleeps.NEVER : deadline - t.nanoTime();
                if (done >= min || left <= 0 || t.signalPending() || context.isDead()) {
                    return done;
                }
                t.park(left);
            }
        } finally {
            context.waiters().remove(t);
        }
    }

    private static int store(Task t, long address, List<AioContext.Event> events) {
        long at = address;
        for (AioContext.Event event : events) {
            t.user().putLong(at, event.data());
            t.user().putLong(at + 8, event.object());
            t.user().putLong(at + 16, event.result());
            t.user().putLong(at + 24, 0);
            at += AioContext.EVENT_SIZE;
        }
        return events.size();
    }
}
