package faultline.mmu.bench;

import faultline.mmu.mm.Vma;
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

/**
 * First write to a page of anonymous memory: {@code handleMmFault} alone, with frames that were used before and have to
 * be cleared.
 *
 * <p>What it is to be compared with is {@link FillBenchmark} over as much memory, since what clearing costs depends on
 * which cache the frames are in.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class AnonymousFaultBenchmark {
    private Machine machine;
    private Vma area;
    private int written;

    @Setup
    public void boot() {
        machine = new Machine(PtlMode.SPLIT);
        machine.map(Machine.BASE, FillBenchmark.MANY);
        area = machine.mm.vmas().find(Machine.BASE);
        write(FillBenchmark.MANY);
        machine.mm.mmapLock().readLock();
    }

    @TearDown
    public void close() {
        machine.mm.mmapLock().readUnlock();
        machine.close();
    }

    @Setup(Level.Invocation)
    public void discard() {
        machine.discard(Machine.BASE, written);
    }

    private void write(int pages) {
        written = pages;
        machine.write(area, Machine.BASE, pages, machine.context);
    }

    /** 1 MiB of frames, from the second-level cache. */
    @Benchmark
    @OperationsPerInvocation(FillBenchmark.FEW)
    public void fewPages() {
        write(FillBenchmark.FEW);
    }

    /** 80 MiB of frames, from the last-level cache or from memory. */
    @Benchmark
    @OperationsPerInvocation(FillBenchmark.MANY)
    public void manyPages() {
        write(FillBenchmark.MANY);
    }
}
