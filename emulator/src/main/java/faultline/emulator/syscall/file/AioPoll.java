package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostWait;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.Waiter;
import faultline.emulator.host.WakeFd;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.LongConsumer;

/**
 * A request to be told once a file is ready (IOCB_CMD_POLL): answered at once if it is, else by a thread of its own.
 */
final class AioPoll implements Runnable {
    private final long object;
    private final OpenFile file;
    private final short events;
    private final LongConsumer completion;
    private final WakeFd cancelled = WakeFd.create();

    /**
     * @param object address of the request
     * @param file a host's, with a reference that this drops
     * @param completion gets what the file is ready for, 0 when cancelled
     */
    AioPoll(long object, OpenFile file, short events, LongConsumer completion) {
        this.object = object;
        this.file = file;
        this.events = events;
        this.completion = completion;
    }

    long object() {
        return object;
    }

    /** Completes the request if the file is ready, or else waits for it on another thread. */
    @KernelFunction(value = "aio_poll", file = "fs/aio.c")
    void start() {
        if (!completeIfReady(0)) {
            Thread.ofPlatform().daemon().name("faultline-aio").start(this);
        }
    }

    @KernelFunction(value = "aio_poll_cancel", file = "fs/aio.c")
    void cancel() {
        cancelled.raise();
    }

    @Override
    @KernelFunction(value = "aio_poll_complete_work", file = "fs/aio.c")
    public void run() {
        completeIfReady(HostWait.FOREVER);
    }

    /** @param nanos how long it may take; for ever, it may be cancelled */
    private boolean completeIfReady(long nanos) {
        try (Arena arena = Arena.ofConfined()) {
            // room for one more, which HostWait uses
            MemorySegment fds = arena.allocate(3L * HostWait.POLLFD, 8);
            fds.set(ValueLayout.JAVA_INT, 0, file.hostFd());
            fds.set(ValueLayout.JAVA_SHORT, 4, events);
            fds.set(ValueLayout.JAVA_INT, HostWait.POLLFD, cancelled.fd());
            fds.set(ValueLayout.JAVA_SHORT, HostWait.POLLFD + 4, HostWait.POLLIN);
            if (HostWait.poll(Waiter.UNINTERRUPTIBLE, fds, 2, nanos) == 0) {
                return false;
            }
            long ready = fds.get(ValueLayout.JAVA_SHORT, 6) & 0xffff;
            file.put();
            completion.accept(ready);
            return true;
        }
    }
}
