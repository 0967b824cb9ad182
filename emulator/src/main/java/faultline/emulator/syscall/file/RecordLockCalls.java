package faultline.emulator.syscall.file;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.RecordLocks;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.Restart;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;

/** F_GETLK, F_SETLK and F_SETLKW, and the same of open files (F_OFD_*). */
final class RecordLockCalls {
    static final int F_GETLK = 5;
    static final int F_SETLK = 6;
    static final int F_SETLKW = 7;
    static final int F_OFD_GETLK = 36;
    static final int F_OFD_SETLK = 37;
    static final int F_OFD_SETLKW = 38;

    private static final short F_RDLCK = 0;
    private static final short F_WRLCK = 1;
    private static final short F_UNLCK = 2;
    private static final int WHENCE = 2;
    private static final int START = 8;
    private static final int LENGTH = 16;
    private static final int PID = 24;

    /** What a {@code struct flock} asks for; {@code error} 0 when it is in order. */
    private record Request(long error, RecordLocks.Inode inode, RecordLocks.Lock lock) {
        static Request failed(long error) {
            return new Request(error, null, null);
        }
    }

    private RecordLockCalls() {}

    /** Runs one of the commands above. */
    static long run(Task t, int fd, OpenFile file, int command, long address) {
        if ((file.statusFlags() & OpenFlags.O_PATH) != 0) {
            return -Errno.EBADF;
        }
        return switch (command) {
            case F_GETLK, F_OFD_GETLK -> get(t, file, command == F_OFD_GETLK, address);
            case F_SETLK, F_SETLKW -> {
                long result = set(t, file, false, address, command == F_SETLKW);
                yield result == 0 ? checkStillOpen(t, fd, file, address) : result;
            }
            default -> set(t, file, true, address, command == F_OFD_SETLKW);
        };
    }

    @KernelFunction(value = "flock_to_posix_lock", file = "fs/locks.c")
    private static Request read(Task t, OpenFile file, boolean ofOpenFile, long address) {
        short type = t.user().getShort(address);
        int whence = t.user().getShort(address + WHENCE);
        long start = t.user().getLong(address + START);
        long length = t.user().getLong(address + LENGTH);
        if (ofOpenFile && t.user().getInt(address + PID) != 0) {
            return Request.failed(-Errno.EINVAL);
        }
        MemorySegment stat = HostScratch.get().struct();
        long error = file.fstat(stat);
        if (error < 0) {
            return Request.failed(error);
        }
        RecordLocks.Inode inode = new RecordLocks.Inode(HostStat.dev(stat), HostStat.ino(stat));
        long base = whence == 0 ? 0 : whence == 1 ? file.lseek(0, 1) : whence == 2 ? HostStat.size(stat) : -1;
        if (base < 0 || type < F_RDLCK || type > F_UNLCK) {
            return Request.failed(-Errno.EINVAL);
        }
        if (start > Long.MAX_VALUE - base) {
            return Request.failed(-Errno.EOVERFLOW);
        }
        long first = base + start;
        if (first < 0) {
            return Request.failed(-Errno.EINVAL);
        }
        long last = RecordLocks.TO_THE_END;
        if (length > 0) {
            if (length - 1 > Long.MAX_VALUE - first) {
                return Request.failed(-Errno.EOVERFLOW);
            }
            last = first + length - 1;
        } else if (length < 0) {
            last = first - 1;
            first += length;
            if (first < 0) {
                return Request.failed(-Errno.EINVAL);
            }
        }
        Object owner = ofOpenFile ? file : FileCall.files(t);
        return new Request(0, inode, new RecordLocks.Lock(owner, file, t.pid(), type(type), first, last));
    }

    private static RecordLocks.Type type(short type) {
        return switch (type) {
            case F_RDLCK -> RecordLocks.Type.READ;
            case F_WRLCK -> RecordLocks.Type.WRITE;
            default -> RecordLocks.Type.NONE;
        };
    }

    /** Tells what would be in the way; of an open file also what it has locked itself (F_UNLCK). */
    @KernelFunction(value = "fcntl_getlk", file = "fs/locks.c")
    private static long get(Task t, OpenFile file, boolean ofOpenFile, long address) {
        if (!ofOpenFile && t.user().getShort(address) == F_UNLCK) {
            return -Errno.EINVAL;
        }
        Request request = read(t, file, ofOpenFile, address);
        if (request.error != 0) {
            return request.error;
        }
        RecordLocks.Lock lock = t.kernel().recordLocks().conflict(request.inode, request.lock);
        if (lock == null) {
            t.user().putShort(address, F_UNLCK);
            return 0;
        }
        t.user().putShort(address, lock.type() == RecordLocks.Type.WRITE ? F_WRLCK : F_RDLCK);
        t.user().putShort(address + WHENCE, (short) 0);
        t.user().putLong(address + START, lock.start());
        t.user().putLong(address + LENGTH, lock.end() == RecordLocks.TO_THE_END ? 0 : lock.end() - lock.start() + 1);
        t.user().putInt(address + PID, lock.ofOpenFile() ? -1 : lock.pid());
        return 0;
    }

    @KernelFunction(value = "fcntl_setlk", file = "fs/locks.c")
    private static long set(Task t, OpenFile file, boolean ofOpenFile, long address, boolean waits) {
        Request request = read(t, file, ofOpenFile, address);
        if (request.error != 0) {
            return request.error;
        }
        RecordLocks locks = t.kernel().recordLocks();
        RecordLocks.Lock lock = request.lock;
        if (lock.type() == RecordLocks.Type.NONE) {
            locks.clear(request.inode, lock.owner(), lock.start(), lock.end());
            return 0;
        }
        if (lock.type() == RecordLocks.Type.WRITE ? !file.writable() : !file.readable()) {
            return -Errno.EBADF;
        }
        while (true) {
            RecordLocks.Lock blocker = locks.set(request.inode, lock);
            if (blocker == null) {
                return 0;
            }
            if (!waits) {
                return -Errno.EAGAIN;
            }
            long error = await(t, locks, request, blocker);
            if (error < 0) {
                return error;
            }
        }
    }

    /**
     * Another thread may have closed the descriptor before the lock was there: its close found nothing to give up, so
     * this call does.
     */
    private static long checkStillOpen(Task t, int fd, OpenFile file, long address) {
        OpenFile now = FileCall.files(t).get(fd);
        if (now != null) {
            now.put();
        }
        if (now == file) {
            return 0;
        }
        Request request = read(t, file, false, address);
        if (request.error == 0) {
            t.kernel().recordLocks().clear(request.inode, FileCall.files(t), 0, RecordLocks.TO_THE_END);
        }
        return -Errno.EBADF;
    }

    /** Waits until the range may be free. A change between the refusal and the note is seen by the second look. */
    private static long await(Task t, RecordLocks locks, Request request, RecordLocks.Lock blocker) {
        RecordLocks.Wait wait = new RecordLocks.Wait(request.inode, request.lock, blocker, t::wake);
        if (!locks.beginWait(wait)) {
            return -Errno.EDEADLK;
        }
        try {
            while (locks.conflict(request.inode, request.lock) == blocker) {
                if (t.signalPending()) {
                    return -Restart.ERESTARTSYS;
                }
                t.park(Sleeps.NEVER);
            }
            return 0;
        } finally {
            locks.endWait(wait);
        }
    }
}
