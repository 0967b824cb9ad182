package faultline.emulator.cli;

import faultline.emulator.cpu.CpuStats;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.GuestMachine;
import faultline.emulator.task.Kernel;
import faultline.emulator.task.ProcessTimes;
import faultline.mmu.fault.FaultCounts;
import faultline.mmu.fault.FaultPath;
import faultline.mmu.phys.FrameAllocator;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** What a machine did, for {@code --stats}: one subject a line. */
final class Statistics {
    private static final int MOST_CALLS_SHOWN = 8;

    private final PrintStream out;
    private long startNanos;

    Statistics(PrintStream out) {
        this.out = out;
    }

    void start() {
        startNanos = System.nanoTime();
    }

    void print(GuestMachine machine) {
        double seconds = (System.nanoTime() - startNanos) / 1e9;
        Kernel kernel = machine.kernel();
        ProcessTimes times = kernel.first().times();
        CpuStats cpu = kernel.pool().stats();
        FrameAllocator frames = kernel.memory().phys().allocator();
        line(
                "time",
                "%.3f s, of it in guest code and its faults %.3f s, in system calls %.3f s",
                seconds,
                times.user() / 1e9,
                times.system() / 1e9);
        line(
                "faults",
                "%d minor, %d major%s",
                times.minorFaults(),
                times.majorFaults(),
                kinds(kernel.memory().faults().counts()));
        line(
                "tlb",
                "%d fills, %d read-modify-write, flushes: %d pages, %d ranges, %d full, %d to grow",
                cpu.fills,
                cpu.readModifyWrites,
                cpu.pageFlushes,
                cpu.rangeFlushes,
                cpu.fullFlushes,
                cpu.growthFlushes);
        line(
                "code",
                "%d frames and %d times everything retranslated, %d early fetches",
                cpu.codeInvalidations,
                cpu.codeFlushes,
                cpu.earlyFetches);
        line("system calls", "%d%s", kernel.syscalls().totalCalls(), calls(kernel.syscalls()));
        line(
                "turns",
                "%d times another task got the processor, %d times one was interrupted for it",
                kernel.cpu().switches(),
                kernel.cpu().preemptions());
        line(
                "memory",
                "peak %d of %d frames, %d page-table pages made",
                frames.peakUsed(),
                frames.managedFrames(),
                kernel.memory().tables().tablesMade());
        List<String> wrong = machine.audit();
        line("books", "%s", wrong.isEmpty() ? "in order" : String.join("; ", wrong));
    }

    private static String kinds(FaultCounts counts) {
        StringBuilder text = new StringBuilder();
        for (FaultPath path : FaultPath.values()) {
            long count = counts.count(path);
            if (count > 0) {
                text.append(text.isEmpty() ? " (" : ", ")
                        .append(path.name().toLowerCase(Locale.ROOT).replace('_', ' '));
                text.append(' ').append(count);
            }
        }
        return text.isEmpty() ? "" : text.append(')').toString();
    }

    private static String calls(SyscallTable table) {
        List<Integer> numbers = new ArrayList<>();
        for (int i = 0; i < SyscallTable.SIZE; i++) {
            if (table.calls(i) > 0) {
                numbers.add(i);
            }
        }
        numbers.sort(Comparator.comparingLong((Integer i) -> table.calls(i))
                .reversed()
                .thenComparing(i -> i));
        StringBuilder text = new StringBuilder();
        for (int number : numbers.subList(0, Math.min(MOST_CALLS_SHOWN, numbers.size()))) {
            text.append(text.isEmpty() ? " (" : ", ")
                    .append(table.name(number))
                    .append(' ')
                    .append(table.calls(number));
        }
        if (numbers.size() > MOST_CALLS_SHOWN) {
            text.append(", …");
        }
        return text.isEmpty() ? "" : text.append(')').toString();
    }

    private void line(String subject, String format, Object... values) {
        out.println(String.format(Locale.ROOT, "%-13s", subject) + String.format(Locale.ROOT, format, values));
    }
}
