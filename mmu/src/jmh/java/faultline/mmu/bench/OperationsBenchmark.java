package faultline.mmu.bench;

import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Prot;
import faultline.mmu.phys.Page;
import faultline.mmu.table.PtlMode;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Whole operations on 20,000 present anonymous pages, a page: what a guest's call costs without the processor. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class OperationsBenchmark {
    private static final int PAGES = 20_000;
    private static final long BYTES = PAGES * Page.SIZE;

    private Machine machine;
    private MmStruct child;

    @Setup
    public void boot() {
        machine = new Machine(PtlMode.SPLIT);
    }

    @TearDown
    public void close() {
        machine.close();
    }

    /** Pages present and written; the time of this is not counted. */
    @Setup(Level.Invocation)
    public void fill() {
        machine.map(Machine.BASE, PAGES);
        for (long at = 0; at < BYTES; at += Page.SIZE) {
            machine.touch(Machine.BASE + at, machine.context);
        }
    }

    @TearDown(Level.Invocation)
    public void exit() {
        if (child != null) {
            machine.system.exitMmap(child);
            child = null;
        }
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long munmap() {
        return machine.system.munmap().run(machine.mm, Machine.BASE, BYTES);
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long mprotect() {
        return machine.system.mprotect().run(machine.mm, machine.context, Machine.BASE, BYTES, Prot.READ);
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long fork() {
        child = machine.system.newMm(MmLimits.ROOT);
        return machine.system.fork().dupMmap(child, machine.mm, machine.context);
    }
}
