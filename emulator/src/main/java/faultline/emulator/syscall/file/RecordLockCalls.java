package faultline.emulator.syscall.file;

import faultline.emulator.fs.FdTable;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.RecordLocks;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.syscall.Restart;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;

/** F_GETLK, F_SETLK and F_SETLKW. */
final class RecordLockCalls {
    private static final short F_RDLCK = 0;
    private static final short F_WRLCK = 1;
    private static final short F_UNLCK = 2;
    private static final int WHENCE = 2;
    private static final int START = 8;
    private static final int LENGTH = 16;
    private static final int PID = 24;

    /** What a {@code struct flock} asks for; {@code error} 0 when it is in order. */
    private record Request(long error, short type, long start, long end, long dev, long ino) {}

    private RecordLockCalls() {}

    @KernelFunction(value = "flock_to_posix_lock", file = "fs/locks.c")
    private static Request read(Task t, OpenFile file, long address) {
        short type = t.user().getShort(address);
        int whence = t.user().getShort(address + WHENCE);
        long start = t.user().getLong(address + START);
        long length = t.user().getLong(address + LENGTH);
        MemorySegment stat = HostScratch.get().struct();
        long error = file.fstat(stat);
        if (error < 0) {
            return failed(error);
        }
        long dev = HostStat.dev(stat);
        long ino = HostStat.ino(stat);
        long base = whence == 0 ? 0 : whence == 1 ? file.lseek(0, 1) : whence == 2 ? HostStat.size(stat) : -1;
        if (base < 0 || type < F_RDLCK || type > F_UNLCK) {
            return failed(-Errno.EINVAL);
        }
        if (start > Long.MAX_VALUE - base) {
            return failed(-Errno.EOVERFLOW);
        }
        long first = base + start;
        if (first < 0) {
            return failed(-Errno.EINVAL);
        }
        long last = RecordLocks.TO_THE_END;
        if (length > 0) {
            if (length - 1 > Long.MAX_VALUE - first) {
                return failed(-Errno.EOVERFLOW);
            }
            last = first + length - 1;
        } else if (length < 0) {
            last = first - 1;
            first += length;
            if (first < 0) {
                return failed(-Errno.EINVAL);
            }
        }
        return new Request(0, type, first, last, dev, ino);
    }

    private static Request failed(long error) {
        return new Request(error, F_UNLCK, 0, 0, 0, 0);
    }

    /** Tells what would be in the way. */
    @KernelFunction(value = "fcntl_getlk", file = "fs/locks.c")
    static long get(Task t, OpenFile file, long address) {
        Request request = read(t, file, address);
        if (request.error != 0) {
            return request.error;
        }
        if (request.type == F_UNLCK) {
            return -Errno.EINVAL;
        }
        RecordLocks.Lock lock = t.kernel()
                .recordLocks()
                .conflict(
                        request.dev,
                        request.ino,
                        FileCall.files(t),
                        request.type == F_WRLCK,
                        request.start,
                        request.end);
        if (lock == null) {
            t.user().putShort(address, F_UNLCK);
            return 0;
        }
        t.user().putShort(address, lock.exclusive() ? F_WRLCK : F_RDLCK);
        t.user().putShort(address + WHENCE, (short) 0);
        t.user().putLong(address + START, lock.start());
        t.user().putLong(address + LENGTH, lock.end() == RecordLocks.TO_THE_END ? 0 : lock.end() - lock.start() + 1);
        t.user().putInt(address + PID, lock.pid());
        return 0;
    }

    @KernelFunction(value = "fcntl_setlk", file = "fs/locks.c")
    static long set(Task t, OpenFile file, long address, boolean waits) {
        Request request = read(t, file, address);
        if (request.error != 0) {
            return request.error;
        }
        RecordLocks locks = t.kernel().recordLocks();
        FdTable owner = FileCall.files(t);
        if (request.type == F_UNLCK) {
            locks.clear(request.dev, request.ino, owner, request.start, request.end);
            return 0;
        }
        boolean exclusive = request.type == F_WRLCK;
        if (exclusive ? !file.writable() : !file.readable()) {
            return -Errno.EBADF;
        }
        while (true) {
            RecordLocks.Lock blocker =
                    locks.set(request.dev, request.ino, owner, t.pid(), exclusive, request.start, request.end);
            if (blocker == null) {
                return 0;
            }
            if (!waits) {
                return -Errno.EAGAIN;
            }
            long error = await(t, locks, owner, blocker, request);
            if (error < 0) {
                return error;
            }
        }
    }

    /** Waits until the range may be free. A change between the refusal and the note is seen by the second look. */
    private static long await(Task t, RecordLocks locks, FdTable owner, RecordLocks.Lock blocker, Request request) {
        Runnable waker = t::wake;
        if (!locks.beginWait(owner, blocker, waker)) {
            return -Errno.EDEADLK;
        }
        try {
            boolean exclusive = request.type == F_WRLCK;
            while (locks.conflict(request.dev, request.ino, owner, exclusive, request.start, request.end) == blocker) {
                if (t.signalPending()) {
                    return -Restart.ERESTARTSYS;
                }
                t.park(Sleeps.NEVER);
            }
            return 0;
        } finally {
            locks.endWait(owner, waker);
        }
    }
}
