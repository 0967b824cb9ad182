package faultline.emulator.syscall.signal;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.host.Nr;
import faultline.emulator.signal.AltStack;
import faultline.emulator.signal.SigAction;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalActions;
import faultline.emulator.signal.SignalDelivery;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.SignalWaits;
import faultline.emulator.signal.Signals;
import faultline.emulator.syscall.Restart;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.emulator.task.TimeValues;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Actions, masks, waiting for signals, the way back from a handler. */
public final class SignalCalls implements SyscallFamily {
    private static final int SIGSET_SIZE = 8;
    private static final int SIG_BLOCK = 0;
    private static final int SIG_UNBLOCK = 1;
    private static final int SIG_SETMASK = 2;

    @Override
    public void register(SyscallTable table) {
        new KillCalls().register(table);
        new SignalFdCalls().register(table);
        table.register(Nr.RT_SIGACTION, "rt_sigaction", SignalCalls::sigaction);
        table.register(Nr.RT_SIGPROCMASK, "rt_sigprocmask", SignalCalls::sigprocmask);
        table.register(Nr.RT_SIGRETURN, "rt_sigreturn", (task, a0, a1, a2, a3, a4, a5) -> {
            SignalDelivery.sigreturn(task);
            return task.cpuState().get(CpuState.RAX);
        });
        table.register(Nr.RT_SIGPENDING, "rt_sigpending", (task, set, size, a2, a3, a4, a5) -> {
            if (Long.compareUnsigned(size, SIGSET_SIZE) > 0) {
                return -Errno.EINVAL;
            }
            byte[] bytes = new byte[SIGSET_SIZE];
            MemorySegment.ofArray(bytes).set(ValueLayout.JAVA_LONG_UNALIGNED, 0, SignalActions.pending(task));
            task.user().write(set, bytes, 0, (int) size);
            return 0;
        });
        table.register(
                Nr.RT_SIGSUSPEND,
                "rt_sigsuspend",
                (task, set, size, a2, a3, a4, a5) -> size != SIGSET_SIZE
                        ? -Errno.EINVAL
                        : SignalWaits.suspend(task, task.user().getLong(set)));
        table.register(Nr.PAUSE, "pause", (task, a0, a1, a2, a3, a4, a5) -> {
            while (!task.signalPending()) {
                task.park(Sleeps.NEVER);
            }
            return -Restart.ERESTARTNOHAND;
        });
        table.register(Nr.RT_SIGTIMEDWAIT, "rt_sigtimedwait", SignalCalls::sigtimedwait);
        table.register(Nr.SIGALTSTACK, "sigaltstack", SignalCalls::sigaltstack);
    }

    private static long sigaction(Task task, long signal, long action, long old, long size, long a4, long a5) {
        if (size != SIGSET_SIZE) {
            return -Errno.EINVAL;
        }
        int number = (int) signal;
        SigAction wanted = null;
        if (action != 0) {
            wanted = new SigAction(
                    task.user().getLong(action),
                    task.user().getLong(action + 8),
                    task.user().getLong(action + 16),
                    task.user().getLong(action + 24));
        }
        if (!Signals.isValid(number) || wanted != null && Signals.contains(Signals.UNBLOCKABLE, number)) {
            return -Errno.EINVAL;
        }
        SigAction before = SignalActions.set(task, number, wanted);
        if (old != 0) {
            task.user().putLong(old, before.handler());
            task.user().putLong(old + 8, before.flags());
            task.user().putLong(old + 16, before.restorer());
            task.user().putLong(old + 24, before.mask());
        }
        return 0;
    }

    private static long sigprocmask(Task task, long how, long set, long old, long size, long a4, long a5) {
        if (size != SIGSET_SIZE) {
            return -Errno.EINVAL;
        }
        long before = task.signals().blocked();
        if (set != 0) {
            long bits = task.user().getLong(set);
            long mask =
                    switch ((int) how) {
                        case SIG_BLOCK -> before | bits;
                        case SIG_UNBLOCK -> before & ~bits;
                        case SIG_SETMASK -> bits;
                        default -> -1;
                    };
            if (how < SIG_BLOCK || how > SIG_SETMASK) {
                return -Errno.EINVAL;
            }
            SignalSender.setMask(task, mask);
        }
        if (old != 0) {
            task.user().putLong(old, before);
        }
        return 0;
    }

    private static long sigtimedwait(Task task, long set, long info, long timeout, long size, long a4, long a5) {
        if (size != SIGSET_SIZE) {
            return -Errno.EINVAL;
        }
        long wanted = task.user().getLong(set);
        long nanos = Sleeps.NEVER;
        if (timeout != 0) {
            nanos = TimeValues.readTimespec(task, timeout);
            if (nanos < 0) {
                return nanos;
            }
        }
        SignalWaits.Taken taken = SignalWaits.take(task, wanted, nanos);
        if (taken.info() == null) {
            return taken.error();
        }
        if (info != 0) {
            byte[] bytes = new byte[SigInfo.SIZE];
            taken.info().write(MemorySegment.ofArray(bytes), 0);
            task.user().write(info, bytes, 0, SigInfo.SIZE);
        }
        return taken.info().signal();
    }

    private static long sigaltstack(Task task, long stack, long old, long a2, long a3, long a4, long a5) {
        AltStack alt = task.signals().altStack();
        long sp = task.cpuState().get(CpuState.RSP);
        long oldSp = alt.sp();
        long oldSize = alt.size();
        int oldFlags = alt.reportedFlags(sp);
        if (stack != 0) {
            int result = AltStack.change(
                    alt,
                    sp,
                    task.user().getLong(stack),
                    task.user().getInt(stack + 8),
                    task.user().getLong(stack + 16));
            if (result < 0) {
                return result;
            }
        }
        if (old != 0) {
            task.user().putLong(old, oldSp);
            task.user().putInt(old + 8, oldFlags);
            task.user().putLong(old + 16, oldSize);
        }
        return 0;
    }
}
