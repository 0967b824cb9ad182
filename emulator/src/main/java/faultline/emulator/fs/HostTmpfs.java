package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;

/**
 * Makes tmpfs instances that no path of the host leads to: only the descriptor holds them, and with it they go.
 *
 * <p>With the right to mount it is one fsmount(2). Without, a child enters a user and a mount namespace of its own
 * (unshare(1)), mounts there, and its root directory is opened from outside before it ends.
 */
final class HostTmpfs {
    private static final int SET_STRING = 1;
    private static final int CREATE = 6;
    private static final int CLOEXEC = 1;
    private static final int NOSUID_NODEV = 6;
    private static final String MODE = "1777";

    private HostTmpfs() {}

    /**
     * A new, empty tmpfs.
     *
     * @param bytes its size; 0 for the host's default
     * @return an O_PATH descriptor of its root directory
     * @throws IllegalArgumentException if the host lets nobody but its administrator mount
     */
    static int make(long bytes) {
        return make(bytes, 0);
    }

    /**
     * As {@link #make(long)}. @param inodes how many files and directories there may be, its root being one; 0 for the
     * host's default
     */
    static int make(long bytes, long inodes) {
        long fd = mount(bytes, inodes);
        if (fd == -Errno.EPERM) {
            fd = mountInNamespace(bytes, inodes);
        }
        if (fd < 0) {
            throw new IllegalArgumentException("no tmpfs can be made here (errno " + -fd
                    + "): it takes root, or a host that allows user namespaces and has unshare(1) and mount(8)");
        }
        return (int) fd;
    }

    private static long mount(long bytes, long inodes) {
        long context = Libc.call(Nr.FSOPEN, HostScratch.get().path("tmpfs"), CLOEXEC);
        if (context < 0) {
            return context;
        }
        try {
            set(context, "mode", MODE);
            if (bytes != 0) {
                set(context, "size", Long.toString(bytes));
            }
            if (inodes != 0) {
                set(context, "nr_inodes", Long.toString(inodes));
            }
            long created = Libc.call(Nr.FSCONFIG, context, CREATE, 0, 0, 0);
            return created < 0 ? created : Libc.call(Nr.FSMOUNT, context, CLOEXEC, NOSUID_NODEV);
        } finally {
            Libc.call(Nr.CLOSE, context);
        }
    }

    private static void set(long context, String key, String value) {
        HostScratch scratch = HostScratch.get();
        long r = Libc.call(Nr.FSCONFIG, context, SET_STRING, scratch.path(key), scratch.secondPath(value), 0);
        if (r < 0) {
            throw new IllegalArgumentException("the host's tmpfs refuses " + key + "=" + value + ": errno " + -r);
        }
    }

    private static long mountInNamespace(long bytes, long inodes) {
        String limits = (bytes == 0 ? "" : ",size=" + bytes) + (inodes == 0 ? "" : ",nr_inodes=" + inodes);
        String options = "mode=" + MODE + ",nosuid,nodev" + limits;
        String script = "mount -t tmpfs -o " + options + " none /tmp && echo mounted && read end";
        try {
            Process child = new ProcessBuilder("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            // The child ends when its input does.
            try (OutputStream input = child.getOutputStream();
                    BufferedReader output = child.inputReader()) {
                return output.readLine() == null ? -Errno.EPERM : openDirectory("/proc/" + child.pid() + "/root/tmp");
            }
        } catch (IOException e) {
            throw new IllegalArgumentException("no tmpfs can be made here: " + e.getMessage(), e);
        }
    }

    private static long openDirectory(String path) {
        int flags = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC;
        return Libc.call(Nr.OPENAT, Libc.AT_FDCWD, HostScratch.get().path(path), flags);
    }
}
