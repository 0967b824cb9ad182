package faultline.emulator.syscall.file;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.Opened;
import faultline.emulator.host.Libc;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;

/** openat2(2): an open whose path may be restricted by RESOLVE_* flags. */
final class RestrictedOpen {
    private static final long ALL = 0x3f;
    private static final long BENEATH = 0x08;
    private static final long IN_ROOT = 0x10;

    private RestrictedOpen() {}

    static long run(Task t, int dirFd, long pathAddress, int flags, int mode, long resolve) {
        if ((resolve & ~ALL) != 0 || (resolve & BENEATH) != 0 && (resolve & IN_ROOT) != 0) {
            return -Errno.EINVAL;
        }
        String path = FileCall.path(t, pathAddress);
        if (path == null) {
            return -Errno.ENAMETOOLONG;
        }
        OpenFile base = null;
        boolean usesBase = !path.startsWith("/") || (resolve & IN_ROOT) != 0;
        if (dirFd != Libc.AT_FDCWD && usesBase) {
            base = FileCall.files(t).get(dirFd);
            if (base == null) {
                return -Errno.EBADF;
            }
        }
        try {
            Opened opened = resolve == 0
                    ? FileCall.fs(t).open(t, base, path, flags, mode)
                    : FileCall.fs(t).openRestricted(t, base, path, flags, mode, (int) resolve);
            return opened.file() == null
                    ? opened.error()
                    : FileCall.install(t, opened.file(), (flags & OpenFlags.O_CLOEXEC) != 0);
        } finally {
            if (base != null) {
                base.put();
            }
        }
    }
}
