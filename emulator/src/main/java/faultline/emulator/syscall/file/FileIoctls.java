package faultline.emulator.syscall.file;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;

/**
 * Which ioctl requests of file systems and disks a guest may make.
 *
 * <table>
 * <caption>By the request's type and number (linux/fs.h)</caption>
 * <tr><th>request</th><th>answer</th></tr>
 * <tr><td>FS_IOC_GETFLAGS, FS_IOC_FIEMAP, FS_IOC_FSGETXATTR, FS_IOC_GETVERSION</td><td>the host's</td></tr>
 * <tr><td>BLK* that only read</td><td>the host's</td></tr>
 * <tr><td>FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, FS_IOC_SETVERSION</td><td>the host's, where metadata may change</td></tr>
 * <tr><td>others: freezing, trimming, shutting down, …</td><td>EPERM without --host-admin</td></tr>
 * </table>
 */
final class FileIoctls {
    private static final int DISK = 0x12;
    private static final int READ_ONLY = 2;
    private static final int SET_FLAGS = 2;
    private static final int FIEMAP = 11;
    private static final int GET_ATTRIBUTES = 31;
    private static final int SET_ATTRIBUTES = 32;

    private FileIoctls() {}

    /** Why a request may not pass to the host: 0 or -errno. Requests of other types are none of this matter: 0. */
    static long refusal(Task t, OpenFile file, int request) {
        int type = request >>> 8 & 0xff;
        int number = request & 0xff;
        boolean harmless =
                switch (type) {
                    case 'f' -> number == 1 || number == FIEMAP;
                    case 'X' -> number == GET_ATTRIBUTES;
                    case 'v' -> number == 1;
                    case DISK -> request >>> 30 == READ_ONLY;
                    default -> true;
                };
        if (harmless) {
            return 0;
        }
        if (type == 'X' ? number == SET_ATTRIBUTES : type != DISK && number == SET_FLAGS) {
            return ChangeCall.refusedToChange(t, file);
        }
        return FileCall.fs(t).root().isolation().hostAdmin() ? 0 : -Errno.EPERM;
    }
}
