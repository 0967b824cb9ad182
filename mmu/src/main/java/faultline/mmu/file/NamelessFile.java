package faultline.mmu.file;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A file of the kernel's own that no name leads to: what is behind shared anonymous memory. It may be read and written
 * by all.
 */
public abstract class NamelessFile implements MappedFile {
    private static final AtomicLong NEXT_INO = new AtomicLong(1024);

    private final AddressSpace mapping;
    private final long ino = NEXT_INO.incrementAndGet();
    private final AtomicInteger references = new AtomicInteger(1);

    /** A file with one reference. */
    protected NamelessFile(AddressSpace mapping) {
        this.mapping = mapping;
    }

    /** The last reference is gone. */
    protected abstract void released();

    @Override
    public final AddressSpace mapping() {
        return mapping;
    }

    @Override
    public boolean readable() {
        return true;
    }

    @Override
    public boolean writable() {
        return true;
    }

    @Override
    public boolean noexec() {
        return false;
    }

    @Override
    public long ino() {
        return ino;
    }

    @Override
    public final void get() {
        references.incrementAndGet();
    }

    @Override
    public final void put() {
        if (references.decrementAndGet() == 0) {
            released();
        }
    }
}
