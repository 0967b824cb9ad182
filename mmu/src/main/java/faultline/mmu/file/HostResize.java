package faultline.mmu.file;

/** Resizes a file on the host, in the middle of {@link AddressSpace#truncate(long, HostResize)}. */
@FunctionalInterface
public interface HostResize {
    /** Makes the file {@code newSize} bytes long; 0 or -errno. */
    int resize(long newSize);
}
