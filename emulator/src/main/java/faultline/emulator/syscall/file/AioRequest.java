package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostFile;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Nr;
import faultline.emulator.syscall.Restart;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One {@code struct iocb}, from io_submit to its event.
 *
 * <p>Reads, writes and syncs are made at once, by the submitting task: so does Linux unless the file is O_DIRECT, and
 * no program can tell but by the time. Only POLL stays in flight.
 */
final class AioRequest {
    private static final int SIZE = 64;
    private static final int RESFD_FLAG = 1;
    private static final int KNOWN_FLAGS = 3;
    private static final int POLLERR_POLLHUP = 0x18;

    private static final int PREAD = 0;
    private static final int PWRITE = 1;
    private static final int FSYNC = 2;
    private static final int FDSYNC = 3;
    private static final int POLL = 5;
    private static final int PREADV = 7;
    private static final int PWRITEV = 8;

    private final Task t;
    private final AioContext context;
    private final long object;
    private final long data;
    private final int rwFlags;
    private final int opcode;
    private final int fd;
    private final long buffer;
    private final long bytes;
    private final long offset;
    private final long reserved;
    private final int flags;
    private final int eventFd;

    private AioRequest(Task t, AioContext context, long object, MemorySegment iocb) {
        this.t = t;
        this.context = context;
        this.object = object;
        data = iocb.get(ValueLayout.JAVA_LONG, 0);
        rwFlags = iocb.get(ValueLayout.JAVA_INT, 12);
        opcode = iocb.get(ValueLayout.JAVA_SHORT, 16) & 0xffff;
        fd = iocb.get(ValueLayout.JAVA_INT, 20);
        buffer = iocb.get(ValueLayout.JAVA_LONG, 24);
        bytes = iocb.get(ValueLayout.JAVA_LONG, 32);
        offset = iocb.get(ValueLayout.JAVA_LONG, 40);
        reserved = iocb.get(ValueLayout.JAVA_LONG, 48);
        flags = iocb.get(ValueLayout.JAVA_INT, 56);
        eventFd = iocb.get(ValueLayout.JAVA_INT, 60);
    }

    /**
     * Submits the request at a guest address.
     *
     * @return 0, or -errno when there will be no event
     */
    @KernelFunction(value = "io_submit_one", file = "fs/aio.c")
    static long submit(Task t, AioContext context, long object) {
        MemorySegment iocb = HostScratch.get().struct();
        t.user().read(object, iocb, 0, SIZE);
        AioRequest request = new AioRequest(t, context, object, iocb);
        if (request.reserved != 0 || request.bytes < 0) {
            return -Errno.EINVAL;
        }
        if (!context.reserve()) {
            return -Errno.EAGAIN;
        }
        boolean accepted = false;
        try {
            long error = FileCall.onFile(t, request.fd, request::start);
            accepted = error == 0;
            return error;
        } finally {
            if (!accepted) {
                context.unreserve();
            }
        }
    }

    @KernelFunction(value = "__io_submit_one", file = "fs/aio.c")
    private long start(OpenFile file) {
        OpenFile notified = null;
        if ((flags & RESFD_FLAG) != 0) {
            notified = FileCall.files(t).get(eventFd);
            if (notified == null) {
                return -Errno.EBADF;
            }
            if (!EventFdSignal.isEventFd(notified)) {
                notified.put();
                return -Errno.EINVAL;
            }
        }
        long error = -Errno.EINVAL;
        try {
            t.user().putInt(object + 8, 0);
            error = (flags & ~KNOWN_FLAGS) != 0 ? -Errno.EINVAL : run(file, notified);
            return error;
        } finally {
            if (error != 0 && notified != null) {
                notified.put();
            }
        }
    }

    private long run(OpenFile file, OpenFile notified) {
        return switch (opcode) {
            case PREAD, PREADV, PWRITE, PWRITEV -> {
                boolean write = opcode == PWRITE || opcode == PWRITEV;
                long error = transferCheck(file, write);
                yield error < 0 ? error : finish(transfer(file, write), notified);
            }
            case FSYNC, FDSYNC -> {
                boolean plain = buffer == 0 && offset == 0 && bytes == 0 && rwFlags == 0;
                long result =
                        plain ? ContentCalls.sync(t, fd, opcode == FSYNC ? Nr.FSYNC : Nr.FDATASYNC) : -Errno.EINVAL;
                yield result == -Errno.EINVAL ? result : finish(result, notified);
            }
            case POLL -> poll(file, notified);
            default -> -Errno.EINVAL;
        };
    }

    /** What is refused at once; anything else is told by the event. */
    @KernelFunction(value = "aio_prep_rw", file = "fs/aio.c")
    private long transferCheck(OpenFile file, boolean write) {
        if (write ? !file.writable() : !file.readable()) {
            return -Errno.EBADF;
        }
        if (offset < 0 || file instanceof HostFile host && host.type() == HostStat.S_IFDIR) {
            return -Errno.EINVAL;
        }
        boolean single = opcode == PREAD || opcode == PWRITE;
        boolean outside = buffer < 0 || buffer + bytes < 0;
        return single && outside ? -Errno.EFAULT : 0;
    }

    private long transfer(OpenFile file, boolean write) {
        long position = file.neverBlocks() ? offset : ReadWriteCalls.AT_POSITION;
        if (opcode == PREADV || opcode == PWRITEV) {
            return ReadWriteCalls.vector(t, fd, buffer, bytes, position, rwFlags, write);
        }
        long count = Math.min(bytes, ReadWriteCalls.MAX_COUNT);
        return write
                ? UserWrite.run(t, file, buffer, count, position, rwFlags)
                : UserRead.run(t, file, buffer, count, position, rwFlags);
    }

    private long poll(OpenFile file, OpenFile notified) {
        if ((buffer & ~0xffffL) != 0 || offset != 0 || bytes != 0 || rwFlags != 0 || file.hostFd() < 0) {
            return -Errno.EINVAL;
        }
        file.get();
        file.beforeWait(t);
        AioPoll poll = new AioPoll(object, file, (short) (buffer | POLLERR_POLLHUP), ready -> finish(ready, notified));
        context.add(poll);
        poll.start();
        return 0;
    }

    @KernelFunction(value = "iocb_put", file = "fs/aio.c")
    private long finish(long result, OpenFile notified) {
        boolean interrupted = result == -Restart.ERESTARTSYS;
        context.complete(new AioContext.Event(data, object, interrupted ? -Errno.EINTR : result));
        if (notified != null) {
            EventFdSignal.add(notified);
            notified.put();
        }
        return 0;
    }
}
