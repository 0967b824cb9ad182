package faultline.mmu.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

import faultline.mmu.phys.Page;
import faultline.mmu.table.MoveHook;
import faultline.mmu.table.MoveMode;
import faultline.mmu.table.PageTableMover;
import faultline.mmu.table.PtlMode;

/** Moving 1 GiB of pages there and back, per page moved; aligned to tables, so that PMD mode moves whole ones. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PageTableMoverBenchmark {
    @Param
    public MoveMode mode;

    @Param
    public PtlMode ptl;

    private Space space;

    @Setup
    public void fill() {
        space = new Space(ptl);
        space.fill();
    }

    @TearDown
    public void close() {
        space.memory.close();
    }

    @Benchmark
    @OperationsPerInvocation(2 * Space.PAGES)
    public long thereAndBack() {
        PageTableMover mover = new PageTableMover(space.tables, space, mode, MoveHook.NONE);
        long length = Space.PAGES * Page.SIZE;
        return mover.move(Space.OLD, Space.NEW, length) + mover.move(Space.NEW, Space.OLD, length);
    }
}
