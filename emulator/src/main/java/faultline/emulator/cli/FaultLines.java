package faultline.emulator.cli;

import faultline.emulator.cpu.FaultListener;
import faultline.emulator.task.Kernel;
import faultline.emulator.task.Task;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.fault.FaultPath;
import faultline.mmu.file.MappedFile;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import java.io.PrintStream;
import java.util.Locale;

/**
 * Writes each page fault as one line:
 *
 * <pre>
 *   milliseconds task/tid minfault|majfault|signal access [instruction] =&gt; target address what was done (duration)
 *       0.412 hello/1234 minfault W [_IO_file_doallocate+0x2f] =&gt; [heap] 0x4c9000 new page (1.9 us)
 * </pre>
 *
 * Access is R, W or X. Called by tasks' threads, several at once.
 */
final class FaultLines implements FaultListener {
    private final PrintStream out;
    private final Symbols symbols = new Symbols();
    private final Kernel kernel;
    private final long startNanos = System.nanoTime();

    FaultLines(PrintStream out, Kernel kernel) {
        this.out = out;
        this.kernel = kernel;
    }

    @Override
    public void fault(FaultContext context, int result, long nanos) {
        double millis = (kernel.isDeterministic() ? kernel.uptimeNanos() : System.nanoTime() - startNanos) / 1e6;
        Task task = Task.currentOrNull();
        String who = task == null ? "?" : task.name() + "/" + task.tid();
        String code = task == null ? Long.toHexString(context.ip) : code(task.mm(), context.ip);
        String target = task == null ? "" : target(task.mm(), context.address);
        String line = String.format(
                Locale.ROOT,
                "%10.3f %s %s %c [%s] => %s 0x%x %s (%.1f us)",
                millis,
                who,
                kind(context, result),
                access(context.errorCode),
                code,
                target,
                context.address,
                done(context, result),
                kernel.isDeterministic() ? 0 : nanos / 1e3);
        synchronized (this) {
            out.println(line);
        }
    }

    private static String kind(FaultContext context, int result) {
        if (result != FaultHandler.FAULT_DONE) {
            return "signal";
        }
        return context.major ? "majfault" : "minfault";
    }

    private static char access(int errorCode) {
        if ((errorCode & FaultHandler.PF_INSTR) != 0) {
            return 'X';
        }
        return (errorCode & FaultHandler.PF_WRITE) != 0 ? 'W' : 'R';
    }

    private static String done(FaultContext context, int result) {
        if (result == FaultHandler.FAULT_OOM) {
            return "out of memory";
        }
        if (result == FaultHandler.FAULT_SIGNAL) {
            String name = context.siSigno == FaultHandler.SIGBUS ? "SIGBUS" : "SIGSEGV";
            return name + " code " + context.siCode;
        }
        FaultPath path = context.path;
        String text = path.name().toLowerCase(Locale.ROOT).replace('_', ' ');
        return context.stackGrown ? text + ", stack grew" : text;
    }

    /** The instruction: symbol+offset, or file@offset, or the bare address. */
    private String code(MmStruct mm, long ip) {
        Vma vma = find(mm, ip);
        if (vma == null || vma.file() == null) {
            return "0x" + Long.toHexString(ip);
        }
        long offset = (vma.pgoff() << 12) + (ip - vma.start());
        return symbols.name(vma.file().path(), offset);
    }

    private static String target(MmStruct mm, long address) {
        Vma vma = find(mm, address);
        if (vma == null) {
            return "nothing";
        }
        MappedFile file = vma.file();
        if (file != null) {
            return file.path() + "@0x" + Long.toHexString((vma.pgoff() << 12) + (address - vma.start()));
        }
        if (vma.has(VmFlags.GROWSDOWN)) {
            return "[stack]";
        }
        return vma.start() <= mm.brk() && vma.end() > mm.startBrk() ? "[heap]" : "[anon]";
    }

    /**
     * The mapping at an address. The lock is only tried: a task that changes the map is no reason to wait in a trace.
     */
    private static Vma find(MmStruct mm, long address) {
        if (mm == null || !mm.mmapLock().tryReadLock()) {
            return null;
        }
        try {
            return mm.vmas().lookup(address);
        } finally {
            mm.mmapLock().readUnlock();
        }
    }
}
