package faultline.emulator.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Where the fields of x86-64 {@code struct statfs} lie, and the bits of its f_flags. */
public final class HostStatfs {
    /** Size of the structure in bytes. */
    public static final int SIZE = 120;

    public static final long ST_RDONLY = 1;
    public static final long ST_NOEXEC = 8;
    private static final int FLAGS = 80;

    private HostStatfs() {}

    /** The file system's type, f_type. */
    public static long type(MemorySegment statfs) {
        return statfs.get(ValueLayout.JAVA_LONG, 0);
    }

    /** Sets {@code f_type}. */
    public static void setType(MemorySegment statfs, long type) {
        statfs.set(ValueLayout.JAVA_LONG, 0, type);
    }

    /** How it is mounted, f_flags. */
    public static long flags(MemorySegment statfs) {
        return statfs.get(ValueLayout.JAVA_LONG, FLAGS);
    }

    /** Sets {@code f_flags}. */
    public static void setFlags(MemorySegment statfs, long flags) {
        statfs.set(ValueLayout.JAVA_LONG, FLAGS, flags);
    }

    /**
     * f_flags of an open host file's mount; 0 when the host does not tell. The thread's scratch memory stays as it is.
     */
    public static long flagsOf(int hostFd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment statfs = arena.allocate(SIZE, 8);
            return Libc.call(Nr.FSTATFS, hostFd, statfs.address()) == 0 ? flags(statfs) : 0;
        }
    }
}
