package faultline.emulator.syscall.process;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.Signals;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.ChildWait;
import faultline.emulator.task.PidFile;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;

/** wait4(2) and waitid(2). */
final class WaitCalls implements SyscallFamily {
    private static final int WAIT_FLAGS = 0xe000_0000;
    private static final int P_ALL = 0;
    private static final int P_PID = 1;
    private static final int P_PGID = 2;
    private static final int P_PIDFD = 3;
    private static final int RUSAGE_SIZE = 144;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.WAIT4, "wait4", WaitCalls::wait4);
        table.register(Nr.WAITID, "waitid", WaitCalls::waitid);
    }

    private static long wait4(Task task, long which, long status, long flags, long usage, long a4, long a5) {
        int options = (int) flags;
        int known = ChildWait.WNOHANG | ChildWait.WSTOPPED | ChildWait.WCONTINUED | WAIT_FLAGS;
        if ((options & ~known) != 0) {
            return -Errno.EINVAL;
        }
        int pid = (int) which;
        if (pid == Integer.MIN_VALUE) {
            return -Errno.ESRCH;
        }
        int group = pid == 0 ? task.process().groupId() : -pid;
        ChildWait.Wanted wanted = pid == -1
                ? (child, id) -> true
                : pid > 0 ? (child, id) -> id == pid : (child, id) -> child.groupId() == group;
        ChildWait.Event event = ChildWait.wait(task, wanted, options | ChildWait.WEXITED);
        if (event.child() == null) {
            return event.error();
        }
        if (status != 0) {
            task.user().putInt(status, event.status());
        }
        writeUsage(task, usage, event);
        return event.id();
    }

    private static void writeUsage(Task task, long usage, ChildWait.Event event) {
        if (usage != 0) {
            task.user().write(usage, UsageCalls.ended(event.child().times()), 0, RUSAGE_SIZE);
        }
    }

    private static long waitid(Task task, long kind, long id, long info, long flags, long usage, long a5) {
        int options = (int) flags;
        int events = ChildWait.WEXITED | ChildWait.WSTOPPED | ChildWait.WCONTINUED;
        if ((options & ~(events | ChildWait.WNOHANG | ChildWait.WNOWAIT | WAIT_FLAGS)) != 0
                || (options & events) == 0) {
            return -Errno.EINVAL;
        }
        int number = (int) id;
        if (kind == P_PID && number <= 0
                || kind == P_PGID && number < 0
                || kind == P_PIDFD && number < 0
                || kind < P_ALL
                || kind > P_PIDFD) {
            return -Errno.EINVAL;
        }
        Process named = null;
        boolean neverWaits = false;
        if (kind == P_PIDFD) {
            OpenFile file = task.files().get(number);
            if (file == null) {
                return -Errno.EBADF;
            }
            named = file instanceof PidFile pidFile ? pidFile.process() : null;
            neverWaits = (file.statusFlags() & OpenFlags.O_NONBLOCK) != 0;
            file.put();
            if (named == null) {
                return -Errno.EBADF;
            }
        }
        boolean pollsOnly = neverWaits && (options & ChildWait.WNOHANG) == 0;
        Process only = named;
        int group = kind == P_PGID && number == 0 ? task.process().groupId() : number;
        ChildWait.Wanted wanted = kind == P_ALL
                ? (child, tid) -> true
                : kind == P_PID
                        ? (child, tid) -> tid == number
                        : kind == P_PIDFD ? (child, tid) -> child == only : (child, tid) -> child.groupId() == group;
        ChildWait.Event event = ChildWait.wait(task, wanted, pollsOnly ? options | ChildWait.WNOHANG : options);
        if (event.error() != 0) {
            return event.error();
        }
        if (event.child() == null && pollsOnly) {
            return -Errno.EAGAIN;
        }
        if (info != 0) {
            task.user().write(info, image(task, event), 0, SigInfo.SIZE);
        }
        if (event.child() != null) {
            writeUsage(task, usage, event);
        }
        return 0;
    }

    private static byte[] image(Task task, ChildWait.Event event) {
        byte[] image = new byte[SigInfo.SIZE];
        if (event.child() != null) {
            SigInfo.child(
                            Signals.SIGCHLD,
                            event.code(),
                            event.id(),
                            task.kernel().uid(),
                            event.value(),
                            0,
                            0)
                    .write(MemorySegment.ofArray(image), 0);
        }
        return image;
    }
}
