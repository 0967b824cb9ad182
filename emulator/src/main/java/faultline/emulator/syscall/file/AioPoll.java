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

/** A request to be told once a file is ready (IOCB_CMD_POLL), on a thread of its own. */
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

    void start() {
        Thread.ofPlatform().daemon().name("faultline-aio").start(this);
    }

    @KernelFunction(value = "aio_poll_cancel", file = "fs/aio.c")
    void cancel() {
        cancelled.raise();
    }

    @Override
    @KernelFunction(value = "aio_poll_complete_work", file = "fs/aio.c")
    public void run() {
        try (Arena arena = Arena.ofConfined()) {
            // room for one more, which HostWait uses
            MemorySegment fds = arena.allocate(3L * HostWait.POLLFD, 8);
            fds.set(ValueLayout.JAVA_INT, 0, file.hostFd());
            fds.set(ValueLayout.JAVA_SHORT, 4, events);
            fds.set(ValueLayout.JAVA_INT, HostWait.POLLFD, cancelled.fd());
            fds.set(ValueLayout.JAVA_SHORT, HostWait.POLLFD + 4, HostWait.POLLIN);
            HostWait.poll(Waiter.UNINTERRUPTIBLE, fds, 2, HostWait.FOREVER);
            long ready = fds.get(ValueLayout.JAVA_SHORT, 6) & 0xffff;
            file.put();
            completion.accept(ready);
        }
    }
}
