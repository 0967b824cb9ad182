package faultline.mmu.kernel;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.Page;

/** A range of kernel addresses in use. Immutable but for its frames, which belong to whoever has the area. */
@KernelFunction("struct vm_struct")
public final class VmArea {
    /** What an area was made by, and so must be undone by. */
    public enum Kind {
        /** vmalloc: the frames are the area's own. */
        ALLOC,
        /** vmap: the frames are the caller's. */
        MAP,
        /** ioremap: device memory. */
        IOREMAP
    }

    private final long start;
    private final long size;
    private final Kind kind;
    long[] pages;

    VmArea(long start, long size, Kind kind) {
        this.start = start;
        this.size = size;
        this.kind = kind;
    }

    /** First address. */
    public long start() {
        return start;
    }

    /** Bytes that are mapped, a multiple of the page size; one guard page follows. */
    public long size() {
        return size;
    }

    /** How it came to be. */
    public Kind kind() {
        return kind;
    }

    /** Behind the last mapped address. */
    public long end() {
        return start + size;
    }

    /**
     * Behind the guard page, which never is mapped: whoever runs past the end faults instead of hitting a neighbour.
     */
    long endWithGuard() {
        return start + size + Page.SIZE;
    }

    @Override
    public String toString() {
        return "0x%016x-0x%016x %8d %s".formatted(start, endWithGuard(), endWithGuard() - start, kind);
    }
}
