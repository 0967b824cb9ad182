package faultline.emulator.fs;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A writable mapping of a memfd, from before it was sealed against future writes. The guest's mappings from that time
 * may be stored to for as long as they live; what they store reaches the host this way, as write(2) no longer may.
 *
 * <p>The host copies, so that a file that has become shorter meanwhile is an error and no SIGBUS for the emulator.
 */
final class SealedView {
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED_NORESERVE = 0x4001;
    /** Addresses beyond the end of the file cost nothing, and are there when the file grows. */
    private static final long SPAN = 1L << 38;

    private final long address;

    private SealedView(long address) {
        this.address = address;
    }

    /** Maps what {@code fd} has open; null where the host refuses. */
    static SealedView of(int fd) {
        long address = Libc.call(Nr.MMAP, 0, SPAN, PROT_READ_WRITE, MAP_SHARED_NORESERVE, fd, 0);
        return Errno.isError(address) ? null : new SealedView(address);
    }

    /** Writes to the file. @return bytes written, or -errno */
    long write(long from, long length, long position) {
        if (position + length > SPAN) {
            return -Errno.EFBIG;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment vectors = arena.allocate(32, 8);
            vectors.set(ValueLayout.JAVA_LONG, 0, from);
            vectors.set(ValueLayout.JAVA_LONG, 8, length);
            vectors.set(ValueLayout.JAVA_LONG, 16, address + position);
            vectors.set(ValueLayout.JAVA_LONG, 24, length);
            long self = Libc.call(Nr.GETPID);
            return Libc.call(Nr.PROCESS_VM_WRITEV, self, vectors.address(), 1, vectors.address() + 16, 1, 0);
        }
    }

    void close() {
        Libc.call(Nr.MUNMAP, address, SPAN);
    }
}
