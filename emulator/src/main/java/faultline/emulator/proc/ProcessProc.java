package faultline.emulator.proc;

import faultline.emulator.elf.AuxVector;
import faultline.emulator.fs.FdTable;
import faultline.emulator.fs.FsContext;
import faultline.emulator.fs.ProcProcess;
import faultline.emulator.task.Process;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.emulator.task.UserSpace;
import faultline.mmu.Errno;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.view.ProcMaps;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** One process as /proc/PID shows it. */
final class ProcessProc implements ProcProcess {
    private static final String[] LIMIT_NAMES = {
        "Max cpu time", "Max file size", "Max data size", "Max stack size", "Max core file size", "Max resident set",
        "Max processes", "Max open files", "Max locked memory", "Max address space", "Max file locks",
        "Max pending signals", "Max msgqueue size", "Max nice priority", "Max realtime priority", "Max realtime timeout"
    };
    private static final String[] LIMIT_UNITS = {
        "seconds", "bytes", "bytes", "bytes", "bytes", "bytes", "processes", "files", "bytes", "bytes", "locks", "signals",
        "bytes", "", "", "us"
    };

    private final Process process;

    ProcessProc(Process process) {
        this.process = process;
    }

    @Override
    public int pid() {
        return process.pid();
    }

    @Override
    public int[] tids() {
        return process.tasks().stream().mapToInt(Task::tid).sorted().toArray();
    }

    @Override
    public String executable() {
        return process.exec().path();
    }

    @Override
    public FdTable files() {
        return process.zombie() ? null : process.files();
    }

    @Override
    public FsContext fs() {
        return process.zombie() ? null : process.fs();
    }

    /** The address space, or null when the process has ended. */
    private MmStruct mm() {
        UserSpace space = process.space();
        return space == null || process.zombie() ? null : space.mm();
    }

    private Task task(int tid) {
        Task task = process.kernel().tasks().get(tid);
        return task == null ? process.leader() : task;
    }

    @Override
    public String text(String name, int tid) {
        MmStruct mm = mm();
        return switch (name) {
            case "maps" -> mm == null ? "" : ProcMaps.text(mm);
            case "stat" -> StatTexts.stat(process, task(tid), mm);
            case "statm" -> StatTexts.statm(mm);
            case "status" -> StatTexts.status(process, task(tid), mm);
            case "limits" -> limits();
            case "comm" -> task(tid).name() + "\n";
            case "cmdline" -> strings(mm, mm == null ? 0 : mm.argStart(), mm == null ? 0 : mm.argEnd());
            case "environ" -> strings(mm, mm == null ? 0 : mm.envStart(), mm == null ? 0 : mm.envEnd());
            case "auxv" -> auxv();
            case "oom_score" -> "0\n";
            case "oom_score_adj" -> process.oomScoreAdj() + "\n";
            case "wchan" -> "0";
            case "personality" -> String.format("%08x\n", process.personality());
            case "coredump_filter" -> "00000033\n";
            default -> null;
        };
    }

    private String strings(MmStruct mm, long start, long end) {
        if (mm == null || end <= start) {
            return "";
        }
        byte[] bytes = new byte[(int) Math.min(end - start, 1 << 20)];
        long left = process.kernel()
                .memory()
                .userMemory()
                .copyFromUser(mm, new FaultContext(), start, bytes, 0, bytes.length);
        return new String(bytes, 0, bytes.length - (int) left, StandardCharsets.ISO_8859_1);
    }

    private String auxv() {
        AuxVector auxv = process.exec().auxv();
        if (auxv == null) {
            return "";
        }
        byte[] bytes = new byte[16 * (auxv.count() + 1)];
        MemorySegment out = MemorySegment.ofArray(bytes);
        for (int i = 0; i < auxv.count(); i++) {
            out.set(ValueLayout.JAVA_LONG_UNALIGNED, 16L * i, auxv.type(i));
            out.set(ValueLayout.JAVA_LONG_UNALIGNED, 16L * i + 8, auxv.value(i));
        }
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private String limits() {
        StringBuilder out = new StringBuilder();
        out.append(String.format("%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units"));
        for (int i = 0; i < Rlimits.COUNT; i++) {
            out.append(String.format(
                    "%-25s %-20s %-20s %-10s\n",
                    LIMIT_NAMES[i],
                    limit(process.rlimits().soft(i)),
                    limit(process.rlimits().hard(i)),
                    LIMIT_UNITS[i]));
        }
        return out.toString();
    }

    private static String limit(long value) {
        return value == Rlimits.INFINITY ? "unlimited" : Long.toUnsignedString(value);
    }

    @Override
    public long write(String name, int tid, String text) {
        switch (name) {
            case "comm" -> task(tid).setName(text.endsWith("\n") ? text.substring(0, text.length() - 1) : text);
            case "oom_score_adj" -> {
                try {
                    int value = Integer.parseInt(text.strip());
                    if (value < -1000 || value > 1000) {
                        return -Errno.EINVAL;
                    }
                    process.setOomScoreAdj(value);
                } catch (NumberFormatException e) {
                    return -Errno.EINVAL;
                }
            }
            default -> {
                return -Errno.EACCES;
            }
        }
        return 0;
    }

    @Override
    public long readMemory(long address, MemorySegment to, long length) {
        MmStruct mm = mm();
        if (mm == null) {
            return 0;
        }
        long done = length
                - process.kernel().memory().userMemory().copyFromUser(mm, new FaultContext(), address, to, 0, length);
        return done == 0 && length != 0 ? -Errno.EIO : done;
    }

    @Override
    public long writeMemory(long address, MemorySegment from, long length) {
        MmStruct mm = mm();
        if (mm == null) {
            return 0;
        }
        long done = length
                - process.kernel().memory().userMemory().copyToUser(mm, new FaultContext(), address, from, 0, length);
        return done == 0 && length != 0 ? -Errno.EIO : done;
    }

    @Override
    public long pagemap(long address) {
        MmStruct mm = mm();
        return mm == null ? 0 : PagemapEntry.of(process.kernel().memory(), mm, address);
    }
}
