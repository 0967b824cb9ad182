package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The directory that is "/" for the guest: the host's own root, or the one that {@code --root} confines it to.
 *
 * <p>One a machine, immutable. Confinement itself is the host kernel's: every path is resolved by openat2(2) with
 * RESOLVE_IN_ROOT on {@link #fd}, see {@link PathResolver}.
 */
public final class GuestRoot implements AutoCloseable {
    private final boolean confined;
    private final int fd;
    private final String hostPath;
    private final long procDev;
    private final InodeCache inodes;

    private GuestRoot(boolean confined, int fd, InodeCache inodes) {
        this.inodes = inodes;
        this.confined = confined;
        this.fd = fd;
        this.hostPath = confined ? hostPathOfFd(fd) : "";
        MemorySegment stat = HostScratch.get().struct();
        long r = Libc.call(Nr.STAT, HostScratch.get().path("/proc"), stat.address());
        this.procDev = r == 0 ? HostStat.dev(stat) : -1;
    }

    /** The host's own root directory: paths mean what they mean on the host. */
    public static GuestRoot host(InodeCache inodes) {
        return new GuestRoot(false, openDirectory("/"), inodes);
    }

    /**
     * Confines the guest to a directory.
     *
     * @throws IllegalArgumentException if it cannot be opened as a directory
     */
    public static GuestRoot confined(Path directory, InodeCache inodes) {
        String path = new String(directory.toString().getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        return new GuestRoot(true, openDirectory(path), inodes);
    }

    private static int openDirectory(String path) {
        int flags = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC;
        long opened = Libc.call(Nr.OPENAT, Libc.AT_FDCWD, HostScratch.get().path(path), flags);
        if (opened < 0) {
            throw new IllegalArgumentException("cannot open directory " + path + ": errno " + -opened);
        }
        return (int) opened;
    }

    /** Pages of the machine's files. */
    public InodeCache inodes() {
        return inodes;
    }

    /** Whether paths are confined to a directory. */
    public boolean confined() {
        return confined;
    }

    /** The host's O_PATH descriptor of the root directory. */
    int fd() {
        return fd;
    }

    /** Device number of the host's /proc, or -1 where there is none. */
    long procDev() {
        return procDev;
    }

    /** The path of an open host descriptor as the guest would name it. */
    String pathOfFd(int hostFd) {
        return guestPath(hostPathOfFd(hostFd));
    }

    /** Cuts the root off a host path; what lies outside the root keeps its host name ({@code pipe:[…]}, /dev/null). */
    String guestPath(String path) {
        if (!confined || !isInside(path)) {
            return path;
        }
        String rest = path.substring(hostPath.length());
        return rest.isEmpty() ? "/" : rest;
    }

    /** Whether a host path lies in the root. */
    boolean isInside(String path) {
        if (!confined || hostPath.equals("/")) {
            return true;
        }
        return path.startsWith(hostPath)
                && (path.length() == hostPath.length() || path.charAt(hostPath.length()) == '/');
    }

    /** What the host's /proc/self/fd/N points to, Latin-1. */
    static String hostPathOfFd(int hostFd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(HostScratch.PATH_BYTES);
            long link = HostScratch.get().path("/proc/self/fd/" + hostFd);
            long n = Libc.call(Nr.READLINK, link, to.address(), to.byteSize());
            return n < 0 ? "" : HostScratch.latin1(to, 0, (int) n);
        }
    }

    @Override
    public void close() {
        Libc.call(Nr.CLOSE, fd);
    }
}
