package faultline.mmu.file;

import java.lang.foreign.MemorySegment;

/** Writes to a file on the host, in the middle of {@link AddressSpace#writeThrough}. */
@FunctionalInterface
public interface HostWrite {
    /** Writes the first {@code len} bytes of {@code src} at {@code pos}; the number written, or -errno. */
    long write(long pos, MemorySegment src, long len);
}
