package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A task's descriptors (Linux: {@code files_struct}).
 *
 * <p>Numbers are the guest's own and have nothing to do with host descriptors. New ones are the lowest free, below
 * RLIMIT_NOFILE. Shared by clone(CLONE_FILES) through {@link #share}; {@link #put} by the last sharer closes
 * everything. Files are released outside the table lock, because closing may write pages back.
 */
public final class FdTable {
    private static final int FIRST_SIZE = 64;

    private final ReentrantLock lock = new ReentrantLock();
    private final AtomicInteger sharers = new AtomicInteger(1);
    /** Guarded by {@link #lock} for writing; read without it, see {@link #get}. */
    private volatile OpenFile[] files = new OpenFile[FIRST_SIZE];

    private final BitSet closeOnExec = new BitSet();
    /** Where this table's owner has record locks, or had; null as long as there never was one. */
    private volatile RecordLocks recordLocks;

    /** No slot below this one is free. */
    private int lowestMaybeFree;

    /** One more task uses this table. Returns the table. */
    public FdTable share() {
        sharers.incrementAndGet();
        return this;
    }

    /** A task that used this table is gone; the last one closes all files. */
    public void put() {
        if (sharers.decrementAndGet() == 0) {
            closeRange(0, Integer.MAX_VALUE);
        }
    }

    /** How many tasks use this table. */
    public int sharers() {
        return sharers.get();
    }

    /**
     * The open file behind a descriptor, with a reference that the caller drops by {@link OpenFile#put}.
     *
     * @return null when {@code fd} is not open: EBADF
     */
    public OpenFile get(int fd) {
        while (true) {
            OpenFile[] table = files;
            if (fd < 0 || fd >= table.length) {
                return null;
            }
            OpenFile file = table[fd];
            if (file == null) {
                return null;
            }
            if (file.tryGet()) {
                // A racing close and open may have put another file there: then this reference is of the wrong one.
                if (files[fd] == file) {
                    return file;
                }
                file.put();
            } else {
                Thread.onSpinWait();
            }
        }
    }

    /**
     * Puts a file at the lowest free number.
     *
     * @param file the caller's reference passes to the table when the result is ≥ 0
     * @param from lowest number wanted
     * @param limit RLIMIT_NOFILE, unsigned; numbers below it may be used
     * @return the number, or -EMFILE
     */
    public int install(OpenFile file, int from, boolean cloexec, long limit) {
        lock.lock();
        try {
            int fd = Math.max(from, lowestMaybeFree);
            while (fd < files.length && files[fd] != null) {
                fd++;
            }
            if (Long.compareUnsigned(fd, limit) >= 0) {
                return -Errno.EMFILE;
            }
            set(fd, file, cloexec);
            if (from <= lowestMaybeFree) {
                lowestMaybeFree = fd + 1;
            }
            return fd;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Puts a file at a given number, closing what was there (dup2, dup3).
     *
     * @param file the caller's reference passes to the table when the result is ≥ 0
     * @return {@code fd}, or -EBADF beyond the limit
     */
    public int replace(int fd, OpenFile file, boolean cloexec, long limit) {
        if (fd < 0 || Long.compareUnsigned(fd, limit) >= 0) {
            return -Errno.EBADF;
        }
        OpenFile old;
        lock.lock();
        try {
            old = fd < files.length ? files[fd] : null;
            set(fd, file, cloexec);
        } finally {
            lock.unlock();
        }
        if (old != null) {
            flush(old);
            old.put();
        }
        return fd;
    }

    /** Closes one descriptor. Returns 0 or -EBADF. */
    public int close(int fd) {
        OpenFile old;
        lock.lock();
        try {
            old = takeLocked(fd);
        } finally {
            lock.unlock();
        }
        if (old == null) {
            return -Errno.EBADF;
        }
        flush(old);
        old.put();
        return 0;
    }

    /** Closes every descriptor from {@code first} to {@code last} inclusive. */
    public void closeRange(int first, int last) {
        for (int fd = first; fd >= 0 && fd <= last && fd < files.length; fd++) {
            if (files[fd] != null) {
                close(fd);
            }
        }
    }

    /** Marks every open descriptor from {@code first} to {@code last} inclusive to be closed by execve. */
    public void setCloseOnExecRange(int first, int last) {
        lock.lock();
        try {
            for (int fd = first; fd >= 0 && fd <= last && fd < files.length; fd++) {
                if (files[fd] != null) {
                    closeOnExec.set(fd);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Closes what is marked close-on-exec: execve's part. The caller has made the table its own. */
    public void closeOnExec() {
        for (int fd = 0; fd < files.length; fd++) {
            if (isCloseOnExec(fd)) {
                close(fd);
            }
        }
    }

    /** Whether the descriptor goes with an execve. */
    public boolean isCloseOnExec(int fd) {
        lock.lock();
        try {
            return closeOnExec.get(fd);
        } finally {
            lock.unlock();
        }
    }

    /** Sets or clears FD_CLOEXEC. Returns 0 or -EBADF. */
    public int setCloseOnExec(int fd, boolean on) {
        lock.lock();
        try {
            if (fd < 0 || fd >= files.length || files[fd] == null) {
                return -Errno.EBADF;
            }
            closeOnExec.set(fd, on);
            return 0;
        } finally {
            lock.unlock();
        }
    }

    /** A table with the same files, for fork and for unsharing. */
    public FdTable copy() {
        FdTable copy = new FdTable();
        lock.lock();
        try {
            copy.files = files.clone();
            copy.closeOnExec.or(closeOnExec);
            copy.lowestMaybeFree = lowestMaybeFree;
            for (OpenFile file : copy.files) {
                if (file != null) {
                    file.get();
                }
            }
        } finally {
            lock.unlock();
        }
        return copy;
    }

    /** Numbers of all open descriptors, ascending. */
    public int[] open() {
        OpenFile[] table = files;
        int[] found = new int[table.length];
        int n = 0;
        for (int fd = 0; fd < table.length; fd++) {
            if (table[fd] != null) {
                found[n++] = fd;
            }
        }
        return Arrays.copyOf(found, n);
    }

    /** Slots the table has now: FDSize of /proc/PID/status. */
    public int capacity() {
        return files.length;
    }

    void noteRecordLocks(RecordLocks locks) {
        recordLocks = locks;
    }

    /** Closing any descriptor of a file gives up all record locks on it, whichever descriptor set them. */
    @KernelFunction(value = "filp_flush", file = "fs/open.c")
    private void flush(OpenFile file) {
        file.flush(this);
        RecordLocks locks = recordLocks;
        if (locks != null) {
            MemorySegment stat = HostScratch.get().struct();
            if (file.fstat(stat) >= 0) {
                RecordLocks.Inode inode = new RecordLocks.Inode(HostStat.dev(stat), HostStat.ino(stat));
                locks.clear(inode, this, 0, RecordLocks.TO_THE_END);
            }
        }
    }

    private OpenFile takeLocked(int fd) {
        if (fd < 0 || fd >= files.length || files[fd] == null) {
            return null;
        }
        OpenFile old = files[fd];
        files[fd] = null;
        closeOnExec.clear(fd);
        lowestMaybeFree = Math.min(lowestMaybeFree, fd);
        return old;
    }

    private void set(int fd, OpenFile file, boolean cloexec) {
        OpenFile[] table = files;
        if (fd >= table.length) {
            table = Arrays.copyOf(table, Math.max(fd + 1, table.length * 2));
        }
        table[fd] = file;
        files = table;
        closeOnExec.set(fd, cloexec);
    }
}
