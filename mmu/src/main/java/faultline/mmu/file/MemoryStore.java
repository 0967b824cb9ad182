package faultline.mmu.file;

import java.lang.foreign.MemorySegment;

/** The store of pages that have no home: it reads as nothing, so that they are zeros, and is never written to. */
public abstract class MemoryStore implements BackingStore {
    @Override
    public final int readPages(long index, int count, MemorySegment dst) {
        return 0;
    }

    @Override
    public final int writePages(long index, int bytes, MemorySegment src) {
        return bytes;
    }

    @Override
    public final long size() {
        return 0;
    }

    @Override
    public final boolean isShmem() {
        return true;
    }

    @Override
    public int punchHole(long firstPage, long count) {
        return 0;
    }
}
