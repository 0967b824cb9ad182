package faultline.emulator.fs;

import java.lang.foreign.MemorySegment;

/** /proc/PID/mem, whose offset is an address. */
final class ProcMemoryFile extends ProcOffsetFile {
    private final ProcProcess process;

    ProcMemoryFile(String path, ProcProcess process, int flags) {
        super(path, "/proc/self/mem", flags);
        this.process = process;
    }

    @Override
    public long pread(Waiter waiter, MemorySegment to, long length, long at, int rwFlags) {
        return process.readMemory(at, to, length);
    }

    @Override
    public long pwrite(Waiter waiter, MemorySegment from, long length, long at, int rwFlags) {
        return process.writeMemory(at, from, length);
    }
}
