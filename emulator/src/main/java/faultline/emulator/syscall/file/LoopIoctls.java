package faultline.emulator.syscall.file;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Requests to loop devices (linux/loop.h): block devices whose contents are a file's.
 *
 * <p>Three of them name the file by a descriptor, which is the guest's and becomes the host's here.
 */
final class LoopIoctls {
    private static final int SET_FD = 0x4c00;
    private static final int CLR_FD = 0x4c01;
    private static final int SET_STATUS = 0x4c02;
    private static final int GET_STATUS = 0x4c03;
    private static final int SET_STATUS64 = 0x4c04;
    private static final int GET_STATUS64 = 0x4c05;
    private static final int CHANGE_FD = 0x4c06;
    private static final int SET_CAPACITY = 0x4c07;
    private static final int SET_DIRECT_IO = 0x4c08;
    private static final int SET_BLOCK_SIZE = 0x4c09;
    private static final int CONFIGURE = 0x4c0a;
    private static final int CTL_ADD = 0x4c80;
    private static final int CTL_REMOVE = 0x4c81;
    private static final int CTL_GET_FREE = 0x4c82;

    /** Bytes of struct loop_info, loop_info64 and loop_config. */
    private static final int INFO = 168;

    private static final int INFO64 = 232;

    private static final int CONFIG = 304;

    private LoopIoctls() {}

    static boolean knows(int request) {
        return request >>> 8 == 'L';
    }

    /** @param device a descriptor of the host's */
    static long run(Task t, int device, int request, long arg) {
        MemorySegment block = HostScratch.get().struct();
        switch (request) {
            case SET_FD, CHANGE_FD:
                return FileCall.onHostFd(t, arg, -Errno.EINVAL, file -> ioctl(device, request, file.hostFd()));
            case CONFIGURE:
                t.user().read(arg, block, 0, CONFIG);
                return FileCall.onHostFd(
                        t, block.get(ValueLayout.JAVA_INT, 0), -Errno.EINVAL, file -> configure(device, block, file));
            case SET_STATUS, SET_STATUS64:
                t.user().read(arg, block, 0, infoSize(request));
                return ioctl(device, request, block.address());
            case GET_STATUS, GET_STATUS64:
                long r = ioctl(device, request, block.address());
                if (r == 0) {
                    t.user().write(arg, block, 0, infoSize(request));
                }
                return r;
            case CLR_FD, SET_CAPACITY, SET_DIRECT_IO, SET_BLOCK_SIZE, CTL_ADD, CTL_REMOVE, CTL_GET_FREE:
                return ioctl(device, request, arg);
            default:
                return -Errno.ENOTTY;
        }
    }

    private static int infoSize(int request) {
        return request == SET_STATUS64 || request == GET_STATUS64 ? INFO64 : INFO;
    }

    private static long configure(int device, MemorySegment config, OpenFile file) {
        config.set(ValueLayout.JAVA_INT, 0, file.hostFd());
        return ioctl(device, CONFIGURE, config.address());
    }

    private static long ioctl(int device, int request, long arg) {
        return Libc.call(Nr.IOCTL, device, request, arg);
    }
}
