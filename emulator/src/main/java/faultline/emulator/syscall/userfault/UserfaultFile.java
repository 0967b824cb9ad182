package faultline.emulator.syscall.userfault;

import faultline.emulator.fs.HostWait;
import faultline.emulator.fs.ReadinessFile;
import faultline.emulator.fs.Waiter;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.Userfault;
import faultline.mmu.fault.UserfaultEvent;
import faultline.mmu.fault.UserfaultFeatures;
import faultline.mmu.fault.UserfaultWait;
import faultline.mmu.op.UserfaultRegistration;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The descriptor of a userfaultfd. An eventfd of the host stands for "there is a fault to read", so that poll, select
 * and epoll wait for it like for any descriptor.
 */
public final class UserfaultFile extends ReadinessFile {
    private static final int MESSAGE = 32;
    private static final byte EVENT_PAGEFAULT = 0x12;

    private final Userfault context;
    private final UserfaultRegistration registration;
    private volatile boolean ready;

    private UserfaultFile(Userfault context, UserfaultRegistration registration, long eventFd, int flags) {
        super("anon_inode:[userfaultfd]", eventFd, OpenFlags.O_RDONLY | flags & OpenFlags.O_NONBLOCK);
        this.context = context;
        this.registration = registration;
    }

    /** Makes one; null when the host has no descriptor left. */
    static UserfaultFile create(Userfault context, UserfaultRegistration registration, int flags) {
        long eventFd = makeEventFd();
        if (eventFd < 0) {
            return null;
        }
        UserfaultFile file = new UserfaultFile(context, registration, eventFd, flags);
        context.setListener(file::update);
        return file;
    }

    /** The queue has changed; its lock is held. */
    private void update() {
        drain();
        if (context.hasPending()) {
            raise();
        }
    }

    Userfault context() {
        return context;
    }

    UserfaultRegistration registration() {
        return registration;
    }

    /** Whether UFFDIO_API has been called. */
    boolean isReady() {
        return ready;
    }

    void setReady() {
        ready = true;
    }

    /** Before the handshake, and for one that blocks: reading might always wait, whatever poll had said. */
    @Override
    @KernelFunction(value = "userfaultfd_poll", file = "fs/userfaultfd.c")
    public boolean pollsAsError() {
        return !ready || !nonBlocking();
    }

    @Override
    public int polledEvents() {
        return HostWait.POLLIN; // the eventfd could always be written
    }

    @Override
    @KernelFunction(value = "userfaultfd_read_iter", file = "fs/userfaultfd.c")
    protected long take(Waiter waiter, MemorySegment to, long length) {
        if (!ready || length < MESSAGE) {
            return -Errno.EINVAL;
        }
        long done = 0;
        while (length - done >= MESSAGE) {
            long got = next(waiter, to.asSlice(done, MESSAGE));
            if (got <= 0) {
                return done > 0 ? done : got < 0 ? got : -Errno.EAGAIN;
            }
            done += MESSAGE;
        }
        return done;
    }

    /**
     * One message, faults before events. @return 1, 0 when there is none, or -errno of a descriptor that could not be
     * made
     */
    @KernelFunction(value = "userfaultfd_ctx_read", file = "fs/userfaultfd.c")
    private long next(Waiter waiter, MemorySegment to) {
        UserfaultWait wait = context.next();
        if (wait != null) {
            message(wait, to);
            return 1;
        }
        UserfaultEvent event = context.nextEvent();
        if (event == null) {
            return 0;
        }
        to.fill((byte) 0);
        to.set(ValueLayout.JAVA_BYTE, 0, (byte) event.type());
        if (event.type() == UserfaultEvent.FORK) {
            long fd = UserfaultCalls.install((Task) waiter, event.child(), statusFlags(), true);
            if (fd < 0) {
                return fd;
            }
            to.set(ValueLayout.JAVA_INT_UNALIGNED, 8, (int) fd);
        } else {
            to.set(ValueLayout.JAVA_LONG_UNALIGNED, 8, event.first());
            to.set(ValueLayout.JAVA_LONG_UNALIGNED, 16, event.second());
            to.set(ValueLayout.JAVA_LONG_UNALIGNED, 24, event.third());
        }
        context.finish(event);
        return 1;
    }

    @KernelFunction(value = "userfault_msg", file = "fs/userfaultfd.c")
    private void message(UserfaultWait wait, MemorySegment to) {
        to.fill((byte) 0);
        to.set(ValueLayout.JAVA_BYTE, 0, EVENT_PAGEFAULT);
        to.set(ValueLayout.JAVA_LONG_UNALIGNED, 8, wait.flags());
        to.set(ValueLayout.JAVA_LONG_UNALIGNED, 16, wait.address());
        if ((context.features() & UserfaultFeatures.THREAD_ID) != 0) {
            to.set(ValueLayout.JAVA_INT_UNALIGNED, 24, wait.tid());
        }
    }

    @Override
    public long write(Waiter waiter, MemorySegment from, long length, int rwFlags) {
        return -Errno.EBADF;
    }

    @Override
    public long lseek(long offset, int whence) {
        return -Errno.ESPIPE;
    }

    @Override
    protected void release() {
        registration.release(context);
        context.setListener(() -> {});
        super.release();
    }
}
