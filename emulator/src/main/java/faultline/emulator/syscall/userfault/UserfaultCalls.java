package faultline.emulator.syscall.userfault;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.Userfault;

/** userfaultfd(2). */
public final class UserfaultCalls implements SyscallFamily {
    /** The one request of /dev/userfaultfd: as the call, for who may open the device (USERFAULTFD_IOC_NEW). */
    public static final int IOC_NEW = 0xaa00;

    /** The device's path. */
    public static final String DEVICE = "/dev/userfaultfd";

    private static final int USER_MODE_ONLY = 1;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.USERFAULTFD, "userfaultfd", (task, flags, a1, a2, a3, a4, a5) -> {
            boolean allowed = (flags & USER_MODE_ONLY) != 0
                    || task.kernel().memory().sysctl().unprivilegedUserfaultfd
                    || Libc.call(Nr.GETEUID) == 0;
            return allowed ? open(task, (int) flags) : -Errno.EPERM;
        });
    }

    /** Makes a descriptor for the calling task's address space. @return it or -errno */
    @KernelFunction(value = "new_userfaultfd", file = "fs/userfaultfd.c")
    public static long open(Task task, int flags) {
        if ((flags & ~(USER_MODE_ONLY | OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK)) != 0) {
            return -Errno.EINVAL;
        }
        return install(task, new Userfault(task.mm(), (flags & USER_MODE_ONLY) != 0), flags, false);
    }

    /** A descriptor for a context. @param forked whether it is that of a child, whose handshake is its parent's */
    static long install(Task task, Userfault context, int flags, boolean forked) {
        UserfaultFile file =
                UserfaultFile.create(context, task.kernel().memory().userfaultRegistration(), flags);
        if (file == null) {
            return -Errno.ENFILE;
        }
        if (forked) {
            file.setReady();
        }
        int fd = task.process()
                .files()
                .install(
                        file,
                        0,
                        (flags & OpenFlags.O_CLOEXEC) != 0,
                        task.process().rlimits().soft(Rlimits.NOFILE));
        if (fd < 0) {
            file.put();
        }
        return fd;
    }
}
