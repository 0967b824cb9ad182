package faultline.emulator.fs;

import faultline.emulator.host.Interruption;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.host.WakeFd;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Opens a FIFO, which waits until somebody has the other end open, or a signal comes for the guest's task.
 *
 * <p>The host offers no other way to wait for that than open(2) itself (poll(2) does not tell of a partner that has not
 * written): a thread on the side makes the call, and is interrupted when the task may wait no longer.
 */
final class FifoOpen implements Runnable {
    private static final long RETRY_NANOS = TimeUnit.MICROSECONDS.toNanos(200);

    private final int dirFd;
    private final String path;
    private final int flags;
    private final int resolve;
    private final WakeFd done = WakeFd.create();
    private volatile long tid;
    private volatile boolean finished;
    /** Set before {@link #finished}. */
    private long result;

    private FifoOpen(int dirFd, String path, int flags, int resolve) {
        this.dirFd = dirFd;
        this.path = path;
        this.flags = flags;
        this.resolve = resolve;
    }

    /** Whether a FIFO that is opened so waits for a partner. */
    static boolean waits(int flags) {
        boolean oneWay = (flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDWR;
        return oneWay && (flags & (OpenFlags.O_NONBLOCK | OpenFlags.O_PATH | OpenFlags.O_DIRECTORY)) == 0;
    }

    /**
     * Opens a FIFO that is there.
     *
     * @return the host's descriptor, {@link HostWait#INTERRUPTED}, or -errno
     */
    @KernelFunction(value = "fifo_open", file = "fs/pipe.c")
    static long run(Waiter waiter, int dirFd, String path, int flags, int resolve) {
        Interruption.prepare();
        FifoOpen open = new FifoOpen(dirFd, path, flags & ~OpenFlags.O_CREAT, resolve);
        Thread thread = Thread.ofPlatform().daemon().name("faultline-fifo").start(open);
        long ready = HostWait.until(waiter, open.done.fd(), HostWait.POLLIN);
        return open.end(thread, ready);
    }

    @Override
    public void run() {
        tid = Libc.call(Nr.GETTID);
        result = PathResolver.openat2(dirFd, path, flags, 0, resolve);
        finished = true;
        done.raise();
    }

    /** Waits for the thread, which ends soon; a partner that came just in time counts. */
    private long end(Thread thread, long ready) {
        while (!finished) {
            if (tid != 0) {
                Interruption.send(tid);
            }
            LockSupport.parkNanos(RETRY_NANOS);
        }
        while (thread.isAlive()) {
            // it may still be raising what is about to be closed
            Thread.onSpinWait();
        }
        done.close();
        return ready < 0 && result == -Errno.EINTR ? ready : result;
    }
}
