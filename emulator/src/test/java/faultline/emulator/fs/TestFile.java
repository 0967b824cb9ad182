package faultline.emulator.fs;

import java.lang.foreign.MemorySegment;

/** An open file without content. */
class TestFile extends OpenFile {
    TestFile() {
        super("/test");
    }

    @Override
    protected void release() {
        // Nothing is held.
    }

    @Override
    public int statusFlags() {
        return 0;
    }

    @Override
    public long setStatusFlags(int flags) {
        return 0;
    }

    @Override
    public long read(Waiter waiter, MemorySegment to, long length, int rwFlags) {
        return 0;
    }

    @Override
    public long write(Waiter waiter, MemorySegment from, long length, int rwFlags) {
        return length;
    }

    @Override
    public long pread(Waiter waiter, MemorySegment to, long length, long position, int rwFlags) {
        return 0;
    }

    @Override
    public long pwrite(Waiter waiter, MemorySegment from, long length, long position, int rwFlags) {
        return length;
    }

    @Override
    public long lseek(long offset, int whence) {
        return 0;
    }

    @Override
    public long fstat(MemorySegment stat) {
        return 0;
    }

    @Override
    public boolean neverBlocks() {
        return true;
    }
}
