package faultline.emulator.syscall.process;

import faultline.emulator.fs.FdTable;
import faultline.emulator.fs.FsContext;
import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * unshare(2): a process takes descriptors and working directory for its own. Namespaces are refused (EPERM), as to a caller
 * without CAP_SYS_ADMIN where user namespaces are off.
 *
 * <p>Tasks of one process share both here: one of several cannot have its own (EINVAL).
 */
final class UnshareCalls implements SyscallFamily {
    private static final int CLONE_VM = 0x100;
    private static final int CLONE_FS = 0x200;
    private static final int CLONE_FILES = 0x400;
    private static final int CLONE_SIGHAND = 0x800;
    private static final int CLONE_THREAD = 0x10000;
    private static final int CLONE_SYSVSEM = 0x40000;
    /** CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
    private static final int NAMESPACES = 0x7e02_0080;

    private static final int OF_THREADS = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
    private static final int KNOWN = CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | OF_THREADS | NAMESPACES;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.UNSHARE, "unshare", (t, flags, b, c, d, e, f) -> unshare(t, (int) flags));
    }

    @KernelFunction(value = "ksys_unshare", file = "kernel/fork.c")
    private static long unshare(Task t, int flags) {
        Process process = t.process();
        boolean alone = process.tasks().size() == 1;
        if ((flags & ~KNOWN) != 0 || !alone && (flags & ~(NAMESPACES | CLONE_SYSVSEM)) != 0) {
            return -Errno.EINVAL;
        }
        if ((flags & NAMESPACES) != 0) {
            return -Errno.EPERM;
        }
        if ((flags & CLONE_FILES) != 0 && process.files().sharers() > 1) {
            FdTable shared = process.files();
            process.setFiles(shared.copy());
            shared.put();
        }
        if ((flags & CLONE_FS) != 0) {
            FsContext shared = process.fs();
            process.setFs(shared.copy());
            shared.put();
        }
        return 0;
    }
}
