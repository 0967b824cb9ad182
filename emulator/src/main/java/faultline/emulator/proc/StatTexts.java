package faultline.emulator.proc;

import faultline.emulator.ptrace.Tracee;
import faultline.emulator.signal.SigAction;
import faultline.emulator.signal.Signals;
import faultline.emulator.task.Credentials;
import faultline.emulator.task.Process;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Thp;
import faultline.mmu.view.ProcStatus;
import java.util.List;

/** /proc/PID/stat and status. */
final class StatTexts {
    private static final List<String> CAPABILITY_SETS = List.of("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb");

    private StatTexts() {}

    private static char state(Process process, Task task) {
        if (process.zombie()) {
            return 'Z';
        }
        if (task.tracee() != null && task.tracee().isStopped()) {
            return 't';
        }
        if (process.group().stopped()) {
            return 'T';
        }
        return task.isSleeping() || process.group().unkillable() ? 'S' : 'R';
    }

    @KernelFunction(value = "do_task_stat", file = "fs/proc/array.c")
    static String stat(Process process, Task task, MmStruct mm) {
        long rssLimit = process.rlimits().soft(Rlimits.RSS);
        StringBuilder out = new StringBuilder();
        out.append(task.tid()).append(" (").append(task.name()).append(") ").append(state(process, task));
        long[] fields = {
            process.parentPid(),
            process.groupId(),
            process.sessionId(),
            process.kernel().terminals().deviceOf(process),
            process.kernel().terminals().foregroundOf(process),
            0x400000,
            process.times().minorFaults(),
            process.times().childMinorFaults(),
            process.times().majorFaults(),
            process.times().childMajorFaults(),
            process.times().userTicks(),
            process.times().systemTicks(),
            process.times().childUser() / 10_000_000,
            process.times().childSystem() / 10_000_000,
            task.scheduling().shownPriority(),
            task.scheduling().nice(),
            process.tasks().size(),
            0,
            0,
            mm == null ? 0 : mm.totalVm() << 12,
            mm == null ? 0 : mm.rssPages()
        };
        for (long field : fields) {
            out.append(' ').append(field);
        }
        out.append(' ').append(Long.toUnsignedString(rssLimit));
        long[] addresses = mm == null ? new long[3] : new long[] {mm.startCode(), mm.endCode(), mm.startStack()};
        for (long address : addresses) {
            out.append(' ').append(address);
        }
        out.append(" 0 0 0 0 0 0 0 0 0 ").append(process.exitSignal()).append(" 0 0 0 0 0 0");
        long[] bounds = mm == null
                ? new long[7]
                : new long[] {
                    mm.startData(), mm.endData(), mm.startBrk(), mm.argStart(), mm.argEnd(), mm.envStart(), mm.envEnd()
                };
        for (long bound : bounds) {
            out.append(' ').append(bound);
        }
        return out.append(" 0\n").toString();
    }

    @KernelFunction(value = "proc_pid_status", file = "fs/proc/array.c")
    static String status(Process process, Task task, MmStruct mm) {
        StringBuilder out = new StringBuilder();
        char state = state(process, task);
        line(out, "Name", task.name());
        line(
                out,
                "Umask",
                String.format("%04o", process.zombie() ? 0 : process.fs().umask()));
        line(out, "State", state + " (" + stateName(state) + ")");
        line(out, "Tgid", process.pid());
        line(out, "Ngid", 0);
        line(out, "Pid", task.tid());
        line(out, "PPid", process.parentPid());
        Tracee tracee = task.tracee();
        line(out, "TracerPid", tracee == null ? 0 : tracee.tracer().pid());
        Credentials ids = task.credentials();
        line(out, "Uid", ids.real() + "\t" + ids.effective() + "\t" + ids.saved() + "\t" + ids.effective());
        HostThreadStatus host = new HostThreadStatus(task.hostTid());
        line(out, "Gid", host.get("Gid"));
        line(out, "FDSize", process.zombie() ? 0 : process.files().capacity());
        line(out, "Groups", host.get("Groups"));
        line(out, "NStgid", process.pid());
        line(out, "NSpid", task.tid());
        line(out, "NSpgid", process.groupId());
        line(out, "NSsid", process.sessionId());
        line(out, "Kthread", 0);
        if (mm != null) {
            memory(out, mm);
        }
        line(out, "Threads", process.tasks().size());
        signals(out, process, task);
        for (String set : CAPABILITY_SETS) {
            line(out, set, host.get(set));
        }
        line(out, "NoNewPrivs", process.noNewPrivileges() ? 1 : 0);
        line(out, "Seccomp", task.seccomp().mode());
        line(out, "Seccomp_filters", task.seccomp().filters());
        line(out, "Cpus_allowed", "1");
        line(out, "Cpus_allowed_list", "0");
        line(out, "Mems_allowed", "1");
        line(out, "Mems_allowed_list", "0");
        line(out, "voluntary_ctxt_switches", task.times().voluntarySwitches());
        line(out, "nonvoluntary_ctxt_switches", task.times().involuntarySwitches());
        return out.toString();
    }

    private static void memory(StringBuilder out, MmStruct mm) {
        out.append(ProcStatus.vmLines(mm));
        line(out, "HugetlbPages", "%8d kB".formatted(mm.rss(MmStruct.HUGETLBPAGES) << 2));
        line(out, "CoreDumping", 0);
        line(out, "THP_enabled", mm.thpDisabled() == Thp.DISABLED ? 0 : 1);
        line(out, "untag_mask", "0xffffffffffffffff");
    }

    private static void signals(StringBuilder out, Process process, Task task) {
        long ignored = 0;
        long caught = 0;
        long own;
        long shared;
        synchronized (process.handlers()) {
            own = task.signals().pending().set();
            shared = process.group().pending().set();
            for (int signal = 1; signal <= Signals.MAX; signal++) {
                long handler = process.handlers().get(signal).handler();
                if (handler == SigAction.SIG_IGN) {
                    ignored |= Signals.mask(signal);
                } else if (handler != SigAction.SIG_DFL) {
                    caught |= Signals.mask(signal);
                }
            }
        }
        line(out, "SigQ", "0/" + Long.toUnsignedString(process.rlimits().soft(Rlimits.SIGPENDING)));
        line(out, "SigPnd", hex(own));
        line(out, "ShdPnd", hex(shared));
        line(out, "SigBlk", hex(task.signals().blocked()));
        line(out, "SigIgn", hex(ignored));
        line(out, "SigCgt", hex(caught));
    }

    private static String hex(long value) {
        return String.format("%016x", value);
    }

    private static String stateName(char state) {
        return switch (state) {
            case 'R' -> "running";
            case 'Z' -> "zombie";
            case 'T' -> "stopped";
            default -> "sleeping";
        };
    }

    private static void line(StringBuilder out, String name, long value) {
        out.append(name).append(":\t").append(value).append('\n');
    }

    private static void line(StringBuilder out, String name, String value) {
        out.append(name).append(":\t").append(value).append('\n');
    }
}
