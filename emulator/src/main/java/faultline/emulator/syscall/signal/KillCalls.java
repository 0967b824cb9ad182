package faultline.emulator.syscall.signal;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Process;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** Sending signals. The guest's ids only: no host process can be reached. */
final class KillCalls implements SyscallFamily {
    @Override
    public void register(SyscallTable table) {
        table.register(Nr.KILL, "kill", KillCalls::kill);
        table.register(
                Nr.TKILL,
                "tkill",
                (task, tid, signal, a2, a3, a4, a5) ->
                        (int) tid <= 0 ? -Errno.EINVAL : toTask(task, -1, (int) tid, (int) signal));
        table.register(
                Nr.TGKILL,
                "tgkill",
                (task, pid, tid, signal, a3, a4, a5) -> (int) tid <= 0 || (int) pid <= 0
                        ? -Errno.EINVAL
                        : toTask(task, (int) pid, (int) tid, (int) signal));
        table.register(Nr.RT_SIGQUEUEINFO, "rt_sigqueueinfo", (task, pid, signal, info, a3, a4, a5) -> {
            SigInfo queued = read(task, (int) signal, info);
            if (queued.code() >= 0 || queued.code() == SigInfo.SI_TKILL) {
                if ((int) pid != task.pid()) {
                    return -Errno.EPERM;
                }
            }
            Process target = process(task, (int) pid);
            if (target == null) {
                return -Errno.ESRCH;
            }
            if (isQueueFull(target.leader(), (int) signal)) {
                return -Errno.EAGAIN;
            }
            return send(task, target.leader(), (int) signal, () -> SignalSender.sendToProcess(target, queued));
        });
        table.register(Nr.RT_TGSIGQUEUEINFO, "rt_tgsigqueueinfo", (task, pid, tid, signal, info, a4, a5) -> {
            SigInfo queued = read(task, (int) signal, info);
            if ((int) pid <= 0 || (int) tid <= 0) {
                return -Errno.EINVAL;
            }
            if ((queued.code() >= 0 || queued.code() == SigInfo.SI_TKILL) && (int) pid != task.pid()) {
                return -Errno.EPERM;
            }
            Task target = task.kernel().tasks().get((int) tid);
            if (target == null || target.pid() != (int) pid) {
                return -Errno.ESRCH;
            }
            return send(task, target, (int) signal, () -> SignalSender.sendToTask(target, queued));
        });
    }

    private static SigInfo read(Task task, int signal, long address) {
        byte[] bytes = new byte[SigInfo.SIZE];
        task.user().read(address, bytes, 0, SigInfo.SIZE);
        return SigInfo.queued(signal, bytes);
    }

    /** Signal 0 only looks whether the target is there, and whether it may be signalled. */
    @KernelFunction(value = "check_kill_permission", file = "kernel/signal.c")
    private static long send(Task from, Task to, int signal, Runnable sender) {
        if (signal < 0 || signal > Signals.MAX) {
            return -Errno.EINVAL;
        }
        boolean continues = signal == Signals.SIGCONT
                && from.process().sessionId() == to.process().sessionId();
        if (from.process() != to.process() && !continues && !from.credentials().maySignal(to.credentials())) {
            return -Errno.EPERM;
        }
        if (signal != 0) {
            sender.run();
        }
        return 0;
    }

    private static SigInfo from(Task task, int signal, int code) {
        return SigInfo.user(signal, code, task.pid(), (int) Libc.call(Nr.GETUID));
    }

    private static Process process(Task task, int pid) {
        Process process = task.kernel().processes().get(pid);
        if (process == null) {
            // a thread's id names its process too
            Task thread = task.kernel().tasks().get(pid);
            return thread == null ? null : thread.process();
        }
        return process;
    }

    /** Whether a real-time signal finds no room (RLIMIT_SIGPENDING); those of lower numbers are merged instead. */
    private static boolean isQueueFull(Task target, int signal) {
        Process process = target.process();
        long limit = process.rlimits().soft(Rlimits.SIGPENDING);
        if (signal < Signals.SIGRTMIN || limit == Rlimits.INFINITY) {
            return false;
        }
        synchronized (process.handlers()) {
            long waiting = process.group().pending().size();
            for (Task task : process.tasks()) {
                waiting += task.signals().pending().size();
            }
            return Long.compareUnsigned(waiting, limit) >= 0;
        }
    }

    private static long toTask(Task task, int pid, int tid, int signal) {
        Task target = task.kernel().tasks().get(tid);
        if (target == null || pid > 0 && target.pid() != pid) {
            return -Errno.ESRCH;
        }
        if (isQueueFull(target, signal)) {
            return -Errno.EAGAIN;
        }
        return send(task, target, signal, () -> SignalSender.sendToTask(target, from(task, signal, SigInfo.SI_TKILL)));
    }

    private static long kill(Task task, long to, long number, long a2, long a3, long a4, long a5) {
        int pid = (int) to;
        int signal = (int) number;
        if (signal < 0 || signal > Signals.MAX) {
            return -Errno.EINVAL;
        }
        if (pid > 0) {
            Process target = process(task, pid);
            if (target == null) {
                return -Errno.ESRCH;
            }
            return send(task, target.leader(), signal, () -> sendIfAlive(target, from(task, signal, SigInfo.SI_USER)));
        }
        long result = -Errno.ESRCH;
        int group = pid == 0 ? task.process().groupId() : -pid;
        for (Process process : task.kernel().processes().values()) {
            boolean meant = pid == -1 ? process != task.process() && process.pid() > 1 : process.groupId() == group;
            if (meant) {
                long sent = send(
                        task,
                        process.leader(),
                        signal,
                        () -> sendIfAlive(process, from(task, signal, SigInfo.SI_USER)));
                // one that could be reached is enough
                result = result == 0 ? 0 : sent;
            }
        }
        return result;
    }

    private static void sendIfAlive(Process process, SigInfo info) {
        if (!process.zombie()) {
            SignalSender.sendToProcess(process, info);
        }
    }
}
