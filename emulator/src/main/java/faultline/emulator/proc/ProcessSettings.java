package faultline.emulator.proc;

import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.emulator.task.UserSpace;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.op.ClearRefs;
import java.util.function.IntUnaryOperator;
import java.util.function.LongUnaryOperator;

/** The files of /proc/PID that are written as well: what a process, or one task of it, is told from outside. */
final class ProcessSettings {
    private static final int OOM_SCORE_ADJ_MOST = 1000;
    private static final int OOM_DISABLE = -17;
    private static final int OOM_ADJUST_MAX = 15;

    private final Process process;

    ProcessSettings(Process process) {
        this.process = process;
    }

    /** The text of a setting; null for a name that is none. */
    String text(String name, Task task) {
        return switch (name) {
            case "clear_refs" -> "";
            case "comm" -> task.name() + "\n";
            case "coredump_filter" -> String.format("%08x\n", process.coredumpFilter());
            case "fail-nth" -> Integer.toUnsignedString(task.failures().nth()) + "\n";
            case "make-it-fail" -> (task.failures().wanted() ? 1 : 0) + "\n";
            case "oom_adj" -> oomAdj() + "\n";
            case "oom_score_adj" -> process.oomScoreAdj() + "\n";
            case "timerslack_ns" -> process.timerSlack() + "\n";
            default -> null;
        };
    }

    /** Changes a setting. Returns 0 or -errno. */
    long write(String name, Task task, String text) {
        return switch (name) {
            case "clear_refs" -> number(text, this::clearRefs);
            case "comm" -> {
                task.setName(text.endsWith("\n") ? text.substring(0, text.length() - 1) : text);
                yield 0;
            }
            case "coredump_filter" ->
                number(text, filter -> {
                    process.setCoredumpFilter(filter);
                    return 0;
                });
            case "fail-nth" -> setFailNth(task, text);
            case "make-it-fail" -> setMakeItFail(task, text);
            case "oom_adj" -> number(text, this::setOomAdj);
            case "oom_score_adj" -> number(text, this::setOomScoreAdj);
            case "timerslack_ns" ->
                number(text, nanos -> {
                    process.setTimerSlack(nanos);
                    return 0;
                });
            default -> -Errno.EACCES;
        };
    }

    /** Numbers as kstrtoint() reads them: decimal, 0x for hexadecimal, 0 for octal. */
    private static long number(String text, IntUnaryOperator setter) {
        return number(text, Integer.MIN_VALUE, Integer.MAX_VALUE, value -> setter.applyAsInt((int) value));
    }

    private static long number(String text, long least, long most, LongUnaryOperator setter) {
        try {
            long value = Long.decode(text.strip());
            return value < least || value > most ? -Errno.ERANGE : setter.applyAsLong(value);
        } catch (NumberFormatException e) {
            return -Errno.EINVAL;
        }
    }

    @KernelFunction(value = "proc_fault_inject_write", file = "fs/proc/base.c")
    private static long setMakeItFail(Task task, String text) {
        Task writer = Task.currentOrNull();
        if (writer != null && !writer.credentials().mayPassLimits()) {
            return -Errno.EPERM;
        }
        return number(text, on -> {
            if (on < 0 || on > 1) {
                return -Errno.EINVAL;
            }
            task.failures().setWanted(on == 1);
            return 0;
        });
    }

    @KernelFunction(value = "proc_fail_nth_write", file = "fs/proc/base.c")
    private static long setFailNth(Task task, String text) {
        if (text.stripLeading().startsWith("-")) {
            return -Errno.EINVAL;
        }
        return number(text, 0, 0xffff_ffffL, nth -> {
            task.failures().setNth((int) nth);
            return 0;
        });
    }

    @KernelFunction(value = "clear_refs_write", file = "fs/proc/task_mmu.c")
    private int clearRefs(int type) {
        UserSpace space = process.space();
        return space == null || process.zombie()
                ? -Errno.ESRCH
                : ClearRefs.run(process.kernel().memory().tables(), space.mm(), type);
    }

    private int setOomScoreAdj(int value) {
        if (value < -OOM_SCORE_ADJ_MOST || value > OOM_SCORE_ADJ_MOST) {
            return -Errno.EINVAL;
        }
        process.setOomScoreAdj(value);
        return 0;
    }

    /** The older scale of oom_score_adj: -17 to 15. */
    private int oomAdj() {
        return process.oomScoreAdj() == OOM_SCORE_ADJ_MOST
                ? OOM_ADJUST_MAX
                : process.oomScoreAdj() * -OOM_DISABLE / OOM_SCORE_ADJ_MOST;
    }

    @KernelFunction(value = "oom_adj_write", file = "fs/proc/base.c")
    private int setOomAdj(int value) {
        if (value < OOM_DISABLE || value > OOM_ADJUST_MAX) {
            return -Errno.EINVAL;
        }
        process.setOomScoreAdj(
                value == OOM_ADJUST_MAX ? OOM_SCORE_ADJ_MOST : value * OOM_SCORE_ADJ_MOST / -OOM_DISABLE);
        return 0;
    }
}
