package faultline.emulator.host;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Where the fields of x86-64 {@code struct stat} lie, and what file types are called. */
public final class HostStat {
    /** Size of the structure in bytes. */
    public static final int SIZE = 144;

    public static final int S_IFMT = 0xf000;
    public static final int S_IFSOCK = 0xc000;
    public static final int S_IFLNK = 0xa000;
    public static final int S_IFREG = 0x8000;
    public static final int S_IFBLK = 0x6000;
    public static final int S_IFDIR = 0x4000;
    public static final int S_IFCHR = 0x2000;
    public static final int S_IFIFO = 0x1000;

    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private HostStat() {}

    /** {@code st_dev}. */
    public static long dev(MemorySegment stat) {
        return stat.get(ValueLayout.JAVA_LONG, 0);
    }

    /** {@code st_ino}. */
    public static long ino(MemorySegment stat) {
        return stat.get(ValueLayout.JAVA_LONG, 8);
    }

    /** {@code st_nlink}. */
    public static long nlink(MemorySegment stat) {
        return stat.get(ValueLayout.JAVA_LONG, 16);
    }

    /** {@code st_mode}. */
    public static int mode(MemorySegment stat) {
        return stat.get(ValueLayout.JAVA_INT, 24);
    }

    /** {@code st_rdev}. */
    public static long rdev(MemorySegment stat) {
        return stat.get(ValueLayout.JAVA_LONG, 40);
    }

    /** {@code st_size}, in bytes. */
    public static long size(MemorySegment stat) {
        return stat.get(ValueLayout.JAVA_LONG, 48);
    }

    /** Nanoseconds since 1970 of the last change of the contents. */
    public static long mtime(MemorySegment stat) {
        return stat.get(ValueLayout.JAVA_LONG, 88) * NANOS_PER_SECOND + stat.get(ValueLayout.JAVA_LONG, 96);
    }

    /** Nanoseconds since 1970 of the last change of contents or inode. */
    public static long ctime(MemorySegment stat) {
        return stat.get(ValueLayout.JAVA_LONG, 104) * NANOS_PER_SECOND + stat.get(ValueLayout.JAVA_LONG, 112);
    }

    /** Major number of a device number (Linux: {@code new_decode_dev}). */
    public static int major(long device) {
        return (int) ((device >>> 8 & 0xfff) | (device >>> 32 & ~0xfff));
    }
}
