package faultline.emulator.syscall.process;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * kcmp(2): whether two tasks share a thing. 0 says that they do; 1 and 2 are an order of what they do not share, the
 * same as long as both live.
 */
final class CompareCalls implements SyscallFamily {
    private static final int FILE = 0;
    private static final int VM = 1;
    private static final int FILES = 2;
    private static final int FS = 3;
    private static final int SIGHAND = 4;
    private static final int IO = 5;
    private static final int SYSVSEM = 6;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.KCMP, "kcmp", CompareCalls::compare);
    }

    @KernelFunction(value = "sys_kcmp", file = "kernel/kcmp.c")
    private static long compare(Task task, long pid1, long pid2, long type, long index1, long index2, long a5) {
        Task first = task.kernel().tasks().get((int) pid1);
        Task second = task.kernel().tasks().get((int) pid2);
        if (first == null || second == null) {
            return -Errno.ESRCH;
        }
        if (!task.credentials().mayAccess(first.credentials())
                || !task.credentials().mayAccess(second.credentials())) {
            return -Errno.EPERM;
        }
        return switch ((int) type) {
            case FILE -> compareFiles(first, second, (int) index1, (int) index2);
            case VM -> order(first.mm(), second.mm());
            case FILES -> order(first.files(), second.files());
            case FS -> order(first.fs(), second.fs());
            case SIGHAND -> order(first.process().handlers(), second.process().handlers());
            // nobody has any of these
            case IO, SYSVSEM -> 0;
            default -> -Errno.EINVAL;
        };
    }

    private static long compareFiles(Task first, Task second, int fd1, int fd2) {
        OpenFile a = first.files().get(fd1);
        OpenFile b = second.files().get(fd2);
        try {
            return a == null || b == null ? -Errno.EBADF : order(a, b);
        } finally {
            if (a != null) {
                a.put();
            }
            if (b != null) {
                b.put();
            }
        }
    }

    private static long order(Object a, Object b) {
        return a == b ? 0 : System.identityHashCode(a) < System.identityHashCode(b) ? 1 : 2;
    }
}
