package faultline.emulator.proc;

import faultline.emulator.elf.AuxVector;
import faultline.emulator.fs.FdTable;
import faultline.emulator.fs.FsContext;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.ProcProcess;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.task.GuestSpec;
import faultline.emulator.task.OtherMemory;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.emulator.task.TaskTimes;
import faultline.emulator.task.UserSpace;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.ksm.Ksm;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.system.MemorySystem;
import faultline.mmu.view.PageMap;
import faultline.mmu.view.ProcMaps;
import faultline.mmu.view.ProcNumaMaps;
import faultline.mmu.view.ProcSmaps;
import faultline.mmu.view.ProcStatus;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** One process as /proc/PID shows it. */
final class ProcessProc implements ProcProcess {
    private static final List<String> TEXTS = List.of(
            "auxv",
            "cgroup",
            "clear_refs",
            "cmdline",
            "comm",
            "coredump_filter",
            "environ",
            "ksm_merging_pages",
            "ksm_stat",
            "limits",
            "maps",
            "numa_maps",
            "oom_adj",
            "oom_score",
            "oom_score_adj",
            "personality",
            "schedstat",
            "smaps",
            "smaps_rollup",
            "stat",
            "statm",
            "status",
            "syscall",
            "timers",
            "timerslack_ns",
            "wchan");

    /** What a kernel built with fault injection has besides. */
    private static final List<String> INJECTION_TEXTS =
            Stream.concat(TEXTS.stream(), Stream.of("fail-nth", "make-it-fail")).toList();

    private final Process process;
    private final ProcessSettings settings;

    ProcessProc(Process process) {
        this.process = process;
        this.settings = new ProcessSettings(process);
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
    public String locks(OpenFile file) {
        return process.kernel().recordLocks().of(file, files());
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
    public List<String> texts() {
        return process.kernel().spec().options().containsKey(GuestSpec.FAULT_INJECTION) ? INJECTION_TEXTS : TEXTS;
    }

    @Override
    public String text(String name, int tid) {
        MmStruct mm = mm();
        return switch (name) {
            case "maps" -> mm == null ? "" : ProcMaps.text(mm);
            case "smaps" ->
                mm == null
                        ? ""
                        : ProcSmaps.text(memory().tables(), memory().faultEnv().swap(), mm);
            case "smaps_rollup" ->
                mm == null
                        ? null
                        : ProcSmaps.rollup(
                                memory().tables(), memory().faultEnv().swap(), mm);
            case "numa_maps" ->
                mm == null
                        ? ""
                        : ProcNumaMaps.text(memory().tables(), mm, task(tid).mempolicy());
            case "stat" -> StatTexts.stat(process, task(tid), mm);
            case "statm" -> mm == null ? "0 0 0 0 0 0 0\n" : ProcStatus.statm(mm);
            case "status" -> StatTexts.status(process, task(tid), mm);
            case "cgroup" -> "0::" + process.cgroup().shownPath() + "\n";
            case "limits" -> LimitsText.of(process.rlimits());
            case "cmdline" ->
                process.group().unkillable()
                        ? String.join("\0", process.exec().argv()) + "\0"
                        : strings(mm, mm == null ? 0 : mm.argStart(), mm == null ? 0 : mm.argEnd());
            case "environ" -> strings(mm, mm == null ? 0 : mm.envStart(), mm == null ? 0 : mm.envEnd());
            case "auxv" -> auxv();
            case "oom_score" -> process.kernel().oomKiller().score(process) + "\n";
            case "schedstat" -> schedulerStatistics(task(tid));
            case "wchan" -> "0";
            case "personality" -> String.format("%08x\n", process.personality());
            case "ksm_merging_pages" -> mm == null ? "" : memory().ksm().mergingPages(mm) + "\n";
            case "ksm_stat" -> mm == null ? "" : ksmStat(mm);
            case "syscall" -> SyscallText.of(task(tid));
            case "timers" -> process.posixTimers().text(process.pid());
            default -> settings.text(name, task(tid));
        };
    }

    @KernelFunction(value = "proc_pid_ksm_stat", file = "fs/proc/base.c")
    private String ksmStat(MmStruct mm) {
        Ksm ksm = memory().ksm();
        return "ksm_rmap_items " + ksm.rmapItems(mm)
                + "\nksm_zero_pages 0"
                + "\nksm_merging_pages " + ksm.mergingPages(mm)
                + "\nksm_process_profit " + ksm.profit(mm)
                + "\nksm_merge_any: " + (ksm.mergesAny(mm) ? "yes" : "no")
                + "\nksm_mergeable: " + (ksm.isMergeable(mm) ? "yes" : "no")
                + "\n";
    }

    /** Nanoseconds on the CPU, nanoseconds waiting for it (not measured), turns. */
    private static String schedulerStatistics(Task task) {
        TaskTimes times = task.times();
        return times.total() + " 0 " + (times.voluntarySwitches() + times.involuntarySwitches()) + "\n";
    }

    private String strings(MmStruct mm, long start, long end) {
        return mm == null ? "" : OtherMemory.of(process.kernel(), mm, true).text(start, end);
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

    private MemorySystem memory() {
        return process.kernel().memory();
    }

    /** The files of a process that may not be dumped are root's. */
    @Override
    @KernelFunction(value = "task_dump_owner", file = "fs/proc/base.c")
    public boolean ownedByCaller() {
        Task caller = Task.currentOrNull();
        int user = caller == null ? 0 : caller.credentials().effective();
        int owner = process.dumpable() == 1 ? process.leader().credentials().effective() : 0;
        return user == 0 || user == owner;
    }

    @Override
    public long write(String name, int tid, String text) {
        return settings.write(name, task(tid), text);
    }

    @Override
    public Map<String, String> mapFiles() {
        MmStruct mm = mm();
        return mm == null ? Map.of() : ProcMaps.files(mm);
    }

    @Override
    public long readMemory(long address, MemorySegment to, long length) {
        MmStruct mm = mm();
        return mm == null ? 0 : OtherMemory.of(process.kernel(), mm, true).transfer(address, to, length, false);
    }

    @Override
    public long writeMemory(long address, MemorySegment from, long length) {
        MmStruct mm = mm();
        return mm == null ? 0 : OtherMemory.of(process.kernel(), mm, true).transfer(address, from, length, true);
    }

    @Override
    public void pagemap(long address, long[] entries) {
        MmStruct mm = mm();
        if (mm != null) {
            // frame numbers are for the administrator's eyes
            PageMap.read(memory().tables(), mm, address, entries, Libc.call(Nr.GETEUID) == 0);
        }
    }
}
