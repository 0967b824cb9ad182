package faultline.mmu.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;

/** Taking, clearing and giving back frames; the clearing alone beside it, in and out of the processor's caches. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FrameBenchmark {
    private static final int MANY = 50_000;

    private PhysicalMemory memory;
    private FrameAllocator allocator;
    private final long[] held = new long[MANY];
    private long frame;
    private int at;

    @Setup
    public void reserve() {
        memory = PhysicalMemory.reserve(1L << 30);
        allocator = memory.allocator();
        frame = Page.address(allocator.allocPage());
    }

    @TearDown
    public void close() {
        memory.close();
    }

    @Benchmark
    public long allocAndFree() {
        long pfn = allocator.allocPage();
        allocator.putPage(pfn);
        return pfn;
    }

    @Benchmark
    public long allocZeroedAndFree() {
        long pfn = allocator.allocZeroedPage();
        allocator.putPage(pfn);
        return pfn;
    }

    @Benchmark
    @OperationsPerInvocation(MANY)
    public void allocManyZeroedThenFree() {
        for (int i = 0; i < MANY; i++) {
            held[i] = allocator.allocZeroedPage();
        }
        for (int i = 0; i < MANY; i++) {
            allocator.putPage(held[i]);
        }
    }

    @Benchmark
    public void zeroCachedFrame() {
        memory.zero(frame, Page.SIZE);
    }

    @Benchmark
    public void zeroUncachedFrame() {
        at = (at + 1) % MANY;
        memory.zero(Page.address(at + 1000), Page.SIZE);
    }
}
