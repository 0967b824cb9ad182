package faultline.emulator.signal;

import faultline.emulator.fs.ReadinessFile;
import faultline.emulator.fs.Waiter;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.Restart;
import faultline.emulator.task.Process;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A descriptor that signals are read from (signalfd(2)).
 *
 * <p>Whose signals it shows is decided by who uses it: reads take the reader's, pollers see those of the process that
 * polled, or added it to an epoll, last. A signal sent to one thread alone makes it readable for the others' pollers,
 * too, who then find nothing.
 */
public final class SignalFile extends ReadinessFile {
    /** Bytes of a struct signalfd_siginfo. */
    public static final int INFO_SIZE = 128;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    private volatile long mask;
    /** Guarded by this object's monitor, which is taken before a handlers' monitor. */
    private Process shown;

    private boolean readable;

    private SignalFile(long mask, long eventFd, int flags) {
        super("anon_inode:[signalfd]", eventFd, OpenFlags.O_RDWR | flags & OpenFlags.O_NONBLOCK);
        this.mask = mask;
    }

    /**
     * A descriptor of some signals.
     *
     * @param flags O_NONBLOCK or 0
     * @return null when the host has no descriptors left
     */
    public static SignalFile create(Task task, long mask, int flags) {
        long eventFd = makeEventFd();
        if (eventFd < 0) {
            return null;
        }
        SignalFile file = new SignalFile(mask & ~Signals.UNBLOCKABLE, eventFd, flags);
        file.beforeWait(task);
        return file;
    }

    /** Takes others from now on. */
    public synchronized void setMask(long newMask) {
        mask = newMask & ~Signals.UNBLOCKABLE;
        synchronized (shown.handlers()) {
            shown.group().files().refresh(shown, false);
        }
    }

    /** Shows a process' pending signals from now on. */
    @Override
    public synchronized void beforeWait(Waiter waiter) {
        Process process = ((Task) waiter).process();
        if (process == shown) {
            return;
        }
        leave();
        shown = process;
        synchronized (process.handlers()) {
            process.group().files().add(this);
            process.group().files().refresh(process, false);
        }
    }

    private void leave() {
        if (shown != null) {
            synchronized (shown.handlers()) {
                shown.group().files().remove(this);
            }
        }
    }

    /** Caller holds the handlers' monitor of the process that is shown. */
    void show(long pending, boolean arrived) {
        boolean now = (pending & mask) != 0;
        if (now && (arrived || !readable)) {
            raise();
        } else if (!now && readable) {
            drain();
        }
        readable = now;
    }

    @Override
    @KernelFunction(value = "signalfd_read_iter", file = "fs/signalfd.c")
    public long read(Waiter waiter, MemorySegment to, long length, int rwFlags) {
        Task task = (Task) waiter;
        beforeWait(task);
        long room = length / INFO_SIZE;
        if (room == 0) {
            return -Errno.EINVAL;
        }
        boolean waits = !nonBlocking();
        long done = 0;
        while (done < room) {
            SignalWaits.Taken taken = SignalWaits.take(task, mask, waits && done == 0 ? Sleeps.NEVER : 0);
            if (taken.info() == null) {
                if (done > 0) {
                    break;
                }
                return taken.error() == -Errno.EINTR ? -Restart.ERESTARTSYS : taken.error();
            }
            write(taken.info(), to.asSlice(done * INFO_SIZE, INFO_SIZE));
            done++;
        }
        return done * INFO_SIZE;
    }

    @Override
    protected long take(Waiter waiter, MemorySegment to, long length) {
        throw new UnsupportedOperationException("read takes signals by itself");
    }

    @KernelFunction(value = "signalfd_copyinfo", file = "fs/signalfd.c")
    private static void write(SigInfo info, MemorySegment to) {
        to.fill((byte) 0);
        to.set(INT, 0, info.signal());
        to.set(INT, 4, info.errno());
        to.set(INT, 8, info.code());
        switch (info.layout()) {
            case TIMER -> {
                to.set(INT, 24, info.pid());
                to.set(INT, 32, info.uid());
                writeValue(info, to);
            }
            case FAULT -> to.set(LONG, 72, info.address());
            case POLL -> {
                to.set(INT, 28, (int) info.address());
                to.set(INT, 20, (int) info.value());
            }
            case SYSTEM_CALL -> {
                to.set(INT, 84, (int) info.value());
                to.set(LONG, 88, info.address());
                to.set(INT, 96, (int) (info.value() >>> Integer.SIZE));
            }
            case CHILD -> {
                writeSender(info, to);
                to.set(INT, 40, (int) info.value());
                to.set(LONG, 56, info.third());
                to.set(LONG, 64, info.fourth());
            }
            case QUEUED -> {
                writeSender(info, to);
                writeValue(info, to);
            }
            default -> writeSender(info, to);
        }
    }

    private static void writeSender(SigInfo info, MemorySegment to) {
        to.set(INT, 12, info.pid());
        to.set(INT, 16, info.uid());
    }

    private static void writeValue(SigInfo info, MemorySegment to) {
        to.set(INT, 44, (int) info.value());
        to.set(LONG, 48, info.value());
    }

    @Override
    protected void release() {
        synchronized (this) {
            leave();
            shown = null;
        }
        super.release();
    }
}
