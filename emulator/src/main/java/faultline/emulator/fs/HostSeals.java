package faultline.emulator.fs;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;

/** The seals of a memfd, which the host keeps (fcntl F_ADD_SEALS, F_GET_SEALS). */
final class HostSeals {
    static final int SHRINK = 2;
    static final int GROW = 4;
    static final int WRITE = 8;
    static final int FUTURE_WRITE = 16;

    private static final int F_ADD_SEALS = 1033;
    private static final int F_GET_SEALS = 1034;

    private HostSeals() {}

    /** Returns 0 or -errno. */
    static long add(int fd, int seals) {
        return Libc.call(Nr.FCNTL, fd, F_ADD_SEALS, seals);
    }

    /** The seals; 0 of a file that cannot have any. */
    static long of(int fd) {
        return Math.max(0, Libc.call(Nr.FCNTL, fd, F_GET_SEALS, 0));
    }

    /** Whether no new writable shared mapping may be made. */
    static boolean forbidWrites(int fd) {
        return (of(fd) & (WRITE | FUTURE_WRITE)) != 0;
    }
}
