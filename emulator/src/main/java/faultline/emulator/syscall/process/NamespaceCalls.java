package faultline.emulator.syscall.process;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.CloneRequest;
import faultline.emulator.task.PidFile;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * unshare(2) and setns(2).
 *
 * <table>
 * <caption>unshare</caption>
 * <tr><td>CLONE_FILES, CLONE_FS</td><td>done</td></tr>
 * <tr><td>CLONE_SYSVSEM</td><td>a process' only thread takes back what it did with SEM_UNDO; several share it</td></tr>
 * <tr><td>CLONE_THREAD, CLONE_SIGHAND, CLONE_VM</td><td>only of a task that shares none of them, as on Linux</td></tr>
 * <tr><td>CLONE_NEW*</td><td>EPERM, for root as well: a machine has one namespace of each kind</td></tr>
 * </table>
 */
final class NamespaceCalls implements SyscallFamily {
    private static final long KNOWN = CloneRequest.THREAD
            | CloneRequest.FS
            | CloneRequest.SIGHAND
            | CloneRequest.VM
            | CloneRequest.FILES
            | CloneRequest.SYSVSEM
            | CloneRequest.NAMESPACES;
    private static final long MEMORY = CloneRequest.THREAD | CloneRequest.SIGHAND | CloneRequest.VM;
    private static final int NSFS_MAGIC = 0x6e736673;
    private static final int NS_GET_NSTYPE = 0xb703;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.UNSHARE, "unshare", (task, flags, a1, a2, a3, a4, a5) -> unshare(task, flags));
        table.register(Nr.SETNS, "setns", (task, fd, kind, a2, a3, a4, a5) -> setNamespace(task, (int) fd, (int) kind));
    }

    @KernelFunction(value = "ksys_unshare", file = "kernel/fork.c")
    private static long unshare(Task task, long flags) {
        if ((flags & ~KNOWN) != 0) {
            return -Errno.EINVAL;
        }
        // a namespace of users cannot be a thread's
        boolean alone = (flags & (MEMORY | CloneRequest.NEWUSER)) != 0;
        boolean sharesMemory = (flags & (CloneRequest.VM | CloneRequest.NEWUSER)) != 0
                && task.process().space().users() > 1;
        if (alone && (task.process().tasks().size() > 1 || sharesMemory)) {
            return -Errno.EINVAL;
        }
        if ((flags & CloneRequest.NAMESPACES) != 0) {
            return -Errno.EPERM;
        }
        if ((flags & CloneRequest.FS) != 0) {
            task.unshareFs();
        }
        if ((flags & CloneRequest.FILES) != 0) {
            task.unshareFiles();
        }
        if ((flags & CloneRequest.SYSVSEM) != 0 && task.process().tasks().size() == 1) {
            task.kernel().sem().exit(task.pid());
        }
        return 0;
    }

    @KernelFunction(value = "sys_setns", file = "kernel/nsproxy.c")
    private static long setNamespace(Task task, int fd, int kind) {
        OpenFile file = task.files().get(fd);
        if (file == null) {
            return -Errno.EBADF;
        }
        try {
            if (file instanceof PidFile) {
                boolean namespaces = (kind & ~CloneRequest.NAMESPACES) == 0 && kind != 0;
                return namespaces ? -Errno.EPERM : -Errno.EINVAL;
            }
            long type = isNamespace(file) ? Libc.call(Nr.IOCTL, file.hostFd(), NS_GET_NSTYPE, 0) : -Errno.EINVAL;
            return type < 0 || kind != 0 && kind != type ? -Errno.EINVAL : -Errno.EPERM;
        } finally {
            file.put();
        }
    }

    private static boolean isNamespace(OpenFile file) {
        MemorySegment block = HostScratch.get().struct();
        return file.hostFd() >= 0
                && Libc.call(Nr.FSTATFS, file.hostFd(), block.address()) == 0
                && block.get(ValueLayout.JAVA_LONG, 0) == NSFS_MAGIC;
    }
}
