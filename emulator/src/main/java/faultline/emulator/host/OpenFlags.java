package faultline.emulator.host;

/** Flags of open(2) and its kin, as x86-64 Linux numbers them. */
public final class OpenFlags {
    public static final int O_ACCMODE = 3;
    public static final int O_RDONLY = 0;
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_NOCTTY = 0x100;
    public static final int O_TRUNC = 0x200;
    public static final int O_APPEND = 0x400;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_DSYNC = 0x1000;
    public static final int O_ASYNC = 0x2000;
    public static final int O_DIRECT = 0x4000;
    public static final int O_LARGEFILE = 0x8000;
    public static final int O_DIRECTORY = 0x10000;
    public static final int O_NOFOLLOW = 0x20000;
    public static final int O_NOATIME = 0x40000;
    public static final int O_CLOEXEC = 0x80000;
    public static final int O_SYNC = 0x101000;
    public static final int O_PATH = 0x200000;
    public static final int O_TMPFILE = 0x410000;
    /** Every flag open(2) knows; others it ignores, and openat2(2) refuses. */
    public static final int VALID = O_ACCMODE
            | O_CREAT
            | O_EXCL
            | O_NOCTTY
            | O_TRUNC
            | O_APPEND
            | O_NONBLOCK
            | O_SYNC
            | O_ASYNC
            | O_DIRECT
            | O_LARGEFILE
            | O_DIRECTORY
            | O_NOFOLLOW
            | O_NOATIME
            | O_CLOEXEC
            | O_PATH
            | O_TMPFILE;

    /** openat2(2): stay on the file system of the directory. */
    public static final int RESOLVE_NO_XDEV = 0x01;
    /** openat2(2): do not follow links such as {@code /proc/PID/fd/N}. */
    public static final int RESOLVE_NO_MAGICLINKS = 0x02;
    /** openat2(2): follow no symbolic link. */
    public static final int RESOLVE_NO_SYMLINKS = 0x04;
    /** openat2(2): fail where the path would leave the directory. */
    public static final int RESOLVE_BENEATH = 0x08;
    /** openat2(2): treat the directory as the root of every path. */
    public static final int RESOLVE_IN_ROOT = 0x10;

    public static final int AT_SYMLINK_NOFOLLOW = 0x100;
    public static final int AT_REMOVEDIR = 0x200;
    public static final int AT_SYMLINK_FOLLOW = 0x400;
    public static final int AT_NO_AUTOMOUNT = 0x800;
    public static final int AT_EMPTY_PATH = 0x1000;

    /** lseek(2): from the start, the position, the end. */
    public static final int SEEK_SET = 0;

    public static final int SEEK_CUR = 1;
    public static final int SEEK_END = 2;

    private OpenFlags() {}
}
