package faultline.emulator.fs;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;

/**
 * A file system in the guest's tree: what is mounted where, as far as the machine itself has mounted it.
 *
 * @param type as /proc/mounts has it
 * @param path guest path of the directory that it covers
 * @param over that directory, which path resolution recognises by device and inode number, however it got there
 * @param fd the host's O_PATH descriptor of its root directory
 * @param dev the device number of its files; -1 for the guest's root, which may have any
 * @param options what comes behind "rw" or "ro" of its options
 */
record Mount(String type, String path, InodeCache.Key over, int fd, long dev, boolean readOnly, String options) {
    static final String HUGETLBFS = "hugetlbfs";
    static final String CGROUP2 = "cgroup2";
    static final String CGROUP2_OPTIONS = ",nosuid,nodev,noexec,relatime";

    /** Whether a guest made it, and may take it away. */
    boolean isGuests() {
        return type.equals(HUGETLBFS) || isCgroup2();
    }

    boolean isCgroup2() {
        return type.equals(CGROUP2);
    }

    /** Guest path of a file, given its path from this file system's root. */
    String guestPath(String inside) {
        return inside.equals("/") ? path : path + inside;
    }

    void close() {
        Libc.call(Nr.CLOSE, fd);
    }
}
