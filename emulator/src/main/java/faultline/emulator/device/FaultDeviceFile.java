package faultline.emulator.device;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.Waiter;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.mm.DeviceMapping;
import java.lang.foreign.MemorySegment;

/** The device, opened: it can be mapped, and nothing else. */
final class FaultDeviceFile extends OpenFile {
    private final FaultDevice device;
    private final DeviceMapping mapping;
    private final int flags;

    FaultDeviceFile(FaultDevice device, DeviceMapping mapping, int flags) {
        super(device.path());
        this.device = device;
        this.mapping = mapping;
        this.flags = flags & (OpenFlags.O_ACCMODE | OpenFlags.O_PATH) | OpenFlags.O_LARGEFILE;
    }

    @Override
    public DeviceMapping device() {
        return mapping;
    }

    @Override
    public String counterpart() {
        return device.counterpart();
    }

    @Override
    public int statusFlags() {
        return flags;
    }

    @Override
    public long setStatusFlags(int newFlags) {
        return 0;
    }

    @Override
    public long read(Waiter waiter, MemorySegment to, long length, int rwFlags) {
        return -Errno.EINVAL;
    }

    @Override
    public long write(Waiter waiter, MemorySegment from, long length, int rwFlags) {
        return -Errno.EINVAL;
    }

    @Override
    public long pread(Waiter waiter, MemorySegment to, long length, long position, int rwFlags) {
        return -Errno.EINVAL;
    }

    @Override
    public long pwrite(Waiter waiter, MemorySegment from, long length, long position, int rwFlags) {
        return -Errno.EINVAL;
    }

    @Override
    public long lseek(long offset, int whence) {
        return -Errno.ESPIPE;
    }

    @Override
    public long fstat(MemorySegment stat) {
        return Libc.call(Nr.STAT, HostScratch.get().path(counterpart()), stat.address());
    }

    @Override
    public boolean neverBlocks() {
        return true;
    }

    @Override
    protected void release() {
        device.closed();
    }
}
