package faultline.emulator.syscall.file;

import faultline.emulator.fs.FdTable;
import faultline.emulator.fs.FsContext;
import faultline.emulator.fs.LastComponent;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.PathRef;
import faultline.emulator.host.AsyncSignals;
import faultline.emulator.host.Libc;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;

/** What the calls of this package share: arguments that are descriptors and paths. */
final class FileCall {
    static final int PATH_MAX = 4096;

    private FileCall() {}

    /** The body of a call on an open file. */
    @FunctionalInterface
    interface OnFile {
        long run(OpenFile file);
    }

    /** The body of a call on a resolved path. */
    @FunctionalInterface
    interface OnPath {
        long run(PathRef path);
    }

    static FdTable files(Task t) {
        return t.files();
    }

    static FsContext fs(Task t) {
        return t.fs();
    }

    /** RLIMIT_NOFILE: descriptors below it may be used; unsigned. */
    static long fdLimit(Task t) {
        return t.process().rlimits().soft(Rlimits.NOFILE);
    }

    /** Runs {@code body} with the open file of a descriptor, referenced meanwhile; -EBADF when there is none. */
    static long onFile(Task t, long fd, OnFile body) {
        OpenFile file = files(t).get((int) fd);
        if (file == null) {
            return -Errno.EBADF;
        }
        try {
            return body.run(file);
        } finally {
            file.put();
        }
    }

    /** As {@link #onFile} for what only the host can do: {@code otherwise} for a file of the emulator's own. */
    static long onHostFd(Task t, long fd, long otherwise, OnFile body) {
        return onFile(t, fd, file -> file.hostFd() < 0 ? otherwise : body.run(file));
    }

    /** Installs a fresh file at the lowest free number; closes it when the table is full. */
    static long install(Task t, OpenFile file, boolean cloexec) {
        int fd = files(t).install(file, 0, cloexec, fdLimit(t));
        if (fd < 0) {
            file.put();
        }
        return fd;
    }

    /** Reads a path; null when it is longer than PATH_MAX (ENAMETOOLONG). */
    static String path(Task t, long address) {
        return t.user().readString(address, PATH_MAX);
    }

    /** Resolves a path argument and runs {@code body} on it. */
    static long onPath(Task t, long dirFd, long address, LastComponent last, OnPath body) {
        return onPath(t, dirFd, address, last, 0, body);
    }

    /**
     * Resolves the path argument of an {@code *at} call and runs {@code body} on it.
     *
     * @param flags AT_EMPTY_PATH lets an empty path stand for {@code dirFd} itself; other bits mean nothing here
     */
    static long onPath(Task t, long dirFd, long address, LastComponent last, int flags, OnPath body) {
        boolean mayBeEmpty = (flags & OpenFlags.AT_EMPTY_PATH) != 0;
        String path = address == 0 && mayBeEmpty ? "" : path(t, address);
        if (path == null) {
            return -Errno.ENAMETOOLONG;
        }
        if (path.isEmpty() && !mayBeEmpty) {
            return -Errno.ENOENT;
        }
        if ((int) dirFd == Libc.AT_FDCWD || path.startsWith("/")) {
            return resolved(t, null, path, last, body);
        }
        return onFile(t, dirFd, base -> resolved(t, base, path, last, body));
    }

    private static long resolved(Task t, OpenFile base, String path, LastComponent last, OnPath body) {
        try (PathRef ref = fs(t).resolve(t, base, path, last)) {
            return ref.error() < 0 ? ref.error() : body.run(ref);
        } finally {
            // who watches a directory (F_NOTIFY) or has a lease has its signal before the call is over
            AsyncSignals.settle();
        }
    }
}
