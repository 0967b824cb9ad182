package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostFile;
import faultline.emulator.fs.HostWait;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How much of what cannot be put back (of a pipe, a socket, a terminal) a call may take: no more than the guest has
 * room for.
 *
 * <p>Linux copies before it takes: what does not fit stays in the pipe, whole buffers of it, and the call fails with
 * EFAULT. Here the host takes first, so the room is looked at before.
 */
final class ReadRoom {
    private static final int FIONREAD = 0x541b;

    private ReadRoom() {}

    /**
     * How many bytes from {@code address} on the guest could write, by its mappings alone: touches nothing, so that no
     * fault is counted for a page that the call may not get to.
     */
    static long writable(Task t, long address, long count) {
        MmStruct mm = t.mm();
        long at = address;
        mm.mmapLock().readLock();
        try {
            while (at < address + count) {
                Vma vma = mm.vmas().find(at);
                if (vma == null || (vma.flags() & VmFlags.WRITE) == 0 || vma.start() > at && !grows(t, vma, at)) {
                    break;
                }
                at = vma.end();
            }
        } finally {
            mm.mmapLock().readUnlock();
        }
        return Math.min(at - address, count);
    }

    /** Whether the stack may grow down to an address below it. */
    private static boolean grows(Task t, Vma stack, long address) {
        long limit = t.process().rlimits().soft(Rlimits.STACK);
        return (stack.flags() & VmFlags.GROWSDOWN) != 0 && Long.compareUnsigned(stack.end() - address, limit) <= 0;
    }

    /** As {@link #writable(Task, long, long)} for an array of pieces, up to the first that does not fit. */
    static long writable(Task t, long[] iov) {
        long room = 0;
        for (int i = 0; i < iov.length; i += 2) {
            long fits = iov[i + 1] == 0 ? 0 : writable(t, iov[i], iov[i + 1]);
            room += fits;
            if (fits < iov[i + 1]) {
                break;
            }
        }
        return room;
    }

    /**
     * Checks a read into less room than was asked for.
     *
     * @param room bytes, 0 at least and fewer than wanted
     * @return 0 when what is there now fits, or -errno: -EFAULT when the data has to stay where it is
     */
    @KernelFunction(value = "anon_pipe_read", file = "fs/pipe.c")
    static long check(Task t, OpenFile file, long room) {
        if (!(file instanceof HostFile host) || host.type() != HostStat.S_IFIFO || !file.readable()) {
            return room == 0 ? -Errno.EFAULT : 0;
        }
        if ((file.statusFlags() & OpenFlags.O_NONBLOCK) == 0) {
            long ready = HostWait.until(t, host.hostFd(), HostWait.POLLIN);
            if (ready < 0) {
                return ready;
            }
        }
        MemorySegment there = HostScratch.get().struct();
        Libc.call(Nr.IOCTL, host.hostFd(), FIONREAD, there.address());
        return there.get(ValueLayout.JAVA_INT, 0) > room ? -Errno.EFAULT : 0;
    }
}
