package faultline.mmu.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

import faultline.mmu.phys.Page;
import faultline.mmu.table.PageWalker;
import faultline.mmu.table.PtlMode;

/** The processor's walk, hitting: pages one after the other, and at random over 1 GiB. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PageWalkerBenchmark {
    private Space space;
    private PageWalker walker;
    private long at;
    private long random = 1;

    @Setup
    public void fill() {
        space = new Space(PtlMode.SPLIT);
        space.fill();
        walker = new PageWalker(space.memory);
    }

    @TearDown
    public void close() {
        space.memory.close();
    }

    @Benchmark
    public long sequentialHit() {
        at = at + 1 & Space.PAGES - 1;
        return walker.walk(space.pgd(), Space.OLD + (at << Page.SHIFT), PageWalker.WRITE, true);
    }

    @Benchmark
    public long randomHit() {
        random = random * 6364136223846793005L + 1;
        return walker.walk(space.pgd(), Space.OLD + ((random >>> 46) << Page.SHIFT), PageWalker.READ, true);
    }
}
