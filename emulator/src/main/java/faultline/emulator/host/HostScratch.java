package faultline.emulator.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * Native memory that one thread uses for the arguments of its host system calls.
 *
 * <p>A thread makes one system call at a time, so the blocks are reused from call to call and never shared: contents
 * are valid until the same thread asks for the same block again. Path strings hold one byte a character (Latin-1), so
 * that any name a file system can hold passes unchanged.
 */
public final class HostScratch {

    /** Room for a path: PATH_MAX is 4096 with its terminator; ours may carry a {@code /proc/self/fd/N/} in front. */
    public static final int PATH_BYTES = 4096 + 256;

    /** Largest bounce buffer, in bytes: longer transfers go in pieces. */
    public static final int MAX_BOUNCE = 1 << 20;

    private static final int FIRST_BOUNCE = 1 << 16;
    private static final int STRUCT_BYTES = 4096;
    private static final ThreadLocal<HostScratch> CURRENT = ThreadLocal.withInitial(HostScratch::new);

    private final Arena arena = Arena.ofAuto();
    private final MemorySegment errno = Libc.allocateErrno(arena);
    private final MemorySegment path = arena.allocate(PATH_BYTES, 8);
    private final MemorySegment secondPath = arena.allocate(PATH_BYTES, 8);
    private final MemorySegment struct = arena.allocate(STRUCT_BYTES, 64);
    private final MemorySegment wait = arena.allocate(64, 8);
    private final MemorySegment address = arena.allocate(128, 8);
    private MemorySegment bounce;
    private int hostUmask = -1;
    private boolean ownFsStruct;

    private HostScratch() {}

    /** The calling thread's scratch memory. */
    public static HostScratch get() {
        return CURRENT.get();
    }

    MemorySegment errno() {
        return errno;
    }

    /** A block of 4096 bytes, 64-byte aligned, for structures (stat, statx, termios, …). Contents are undefined. */
    public MemorySegment struct() {
        return struct;
    }

    /** A block of 64 bytes for waiting (pollfd pairs, timespec), apart from {@link #struct()}. */
    public MemorySegment waitBlock() {
        return wait;
    }

    /** A block of 128 bytes for a socket address ({@code struct sockaddr_storage}). */
    public MemorySegment addressBlock() {
        return address;
    }

    /**
     * The bounce buffer between guest memory and the host kernel.
     *
     * @param wanted bytes the caller would like, ≥ 0
     * @return a segment of at least {@code min(wanted, MAX_BOUNCE)} bytes
     */
    public MemorySegment bounce(long wanted) {
        long size = Math.min(Math.max(wanted, FIRST_BOUNCE), MAX_BOUNCE);
        if (bounce == null || bounce.byteSize() < size) {
            bounce = Arena.ofAuto().allocate(Long.highestOneBit(size * 2 - 1), 4096);
        }
        return bounce;
    }

    /** Writes a Latin-1 path with its terminator into the first path block and returns its address. */
    public long path(String text) {
        return write(path, text);
    }

    /** As {@link #path} into a second block, for calls that take two paths. */
    public long secondPath(String text) {
        return write(secondPath, text);
    }

    private static long write(MemorySegment block, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        if (bytes.length >= PATH_BYTES) {
            throw new IllegalArgumentException("path of " + bytes.length + " bytes");
        }
        MemorySegment.copy(bytes, 0, block, ValueLayout.JAVA_BYTE, 0, bytes.length);
        block.set(ValueLayout.JAVA_BYTE, bytes.length, (byte) 0);
        return block.address();
    }

    /** Reads {@code length} bytes of a native block as a Latin-1 string. */
    public static String latin1(MemorySegment block, long offset, int length) {
        byte[] bytes = new byte[length];
        MemorySegment.copy(block, ValueLayout.JAVA_BYTE, offset, bytes, 0, length);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    /**
     * Gives this thread a file-creation mask, so that the host applies it (and default ACLs) exactly as for the guest.
     *
     * <p>The mask belongs to the host's {@code fs_struct}, which all threads of a process share: the thread first takes
     * its own by {@code unshare(CLONE_FS)}, so that guests with different masks, and the JVM's own files, do not meet.
     */
    public void useUmask(int mask) {
        if (hostUmask == mask) {
            return;
        }
        useOwnFsStruct();
        Libc.call(Nr.UMASK, mask);
        hostUmask = mask;
    }

    /**
     * Makes a directory this thread's working directory on the host, for calls whose path has no directory argument and
     * is remembered as it was given (bind of a Unix socket).
     *
     * @return 0 or -errno
     */
    public long useDirectory(int fd) {
        useOwnFsStruct();
        return Libc.call(Nr.FCHDIR, fd);
    }

    private void useOwnFsStruct() {
        if (ownFsStruct) {
            return;
        }
        long unshared = Libc.call(Nr.UNSHARE, CLONE_FS);
        if (unshared < 0) {
            throw new IllegalStateException("unshare(CLONE_FS) failed on the host: errno " + -unshared);
        }
        ownFsStruct = true;
    }

    private static final long CLONE_FS = 0x200;
}
