package faultline.emulator.syscall.file;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * FS_IOC_FIEMAP: where the extents of a file lie. The argument is a header and as many extents as the header says,
 * which the request's number does not tell.
 */
final class FiemapIoctl {
    static final int REQUEST = 0xc020_660b;

    private static final int HEADER = 32;
    private static final int EXTENT = 56;
    private static final int MAPPED = 20;
    private static final int COUNT = 24;
    /** Who asks for more at once gets these, and asks for the rest. */
    private static final int MOST = (HostScratch.MAX_BOUNCE - HEADER) / EXTENT;
    /** FIEMAP_MAX_EXTENTS */
    private static final long LIMIT = 0xffff_ffffL / EXTENT;

    private FiemapIoctl() {}

    @KernelFunction(value = "ioctl_fiemap", file = "fs/ioctl.c")
    static long run(Task t, int hostFd, long arg) {
        MemorySegment block = HostScratch.get().bounce(HEADER);
        t.user().read(arg, block, 0, HEADER);
        long wanted = block.get(ValueLayout.JAVA_INT, COUNT) & 0xffff_ffffL;
        if (wanted > LIMIT) {
            return -Errno.EINVAL;
        }
        int count = (int) Math.min(wanted, MOST);
        MemorySegment map = HostScratch.get().bounce(HEADER + (long) count * EXTENT);
        t.user().read(arg, map, 0, HEADER);
        map.set(ValueLayout.JAVA_INT, COUNT, count);
        long r = Libc.call(Nr.IOCTL, hostFd, REQUEST & 0xffff_ffffL, map.address());
        map.set(ValueLayout.JAVA_INT, COUNT, (int) wanted);
        int mapped = r < 0 ? 0 : Math.min(count, map.get(ValueLayout.JAVA_INT, MAPPED));
        // The header comes back from a call that failed, too: the flags that the file system does not know.
        t.user().write(arg, map, 0, HEADER + (long) mapped * EXTENT);
        return r;
    }
}
