package faultline.mmu.bench;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MemorySystem;
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
    private static final long PAGE = 4096;
    private static final long BASE = 0x1000_0000_0000L;

    private MemorySystem system;
    private MmStruct mm;
    private FaultContext context;

    @Setup
    public void boot() {
        system = new MemorySystem(MemoryConfig.defaults());
        mm = system.newMm(MmLimits.ROOT);
        context = new FaultContext();
    }

    @TearDown
    public void close() {
        system.exitMmap(mm);
        system.close();
    }

    /** Pages present and written; the time of this is not counted. */
    @Setup(Level.Invocation)
    public void fill() {
        int flags = MmapFlags.PRIVATE | MmapFlags.ANONYMOUS | MmapFlags.FIXED;
        system.mmap().doMmap(mm, context, BASE, PAGES * PAGE, Prot.READ | Prot.WRITE, flags, null, 0);
        write();
    }

    private void write() {
        for (int i = 0; i < PAGES; i++) {
            system.faults().doUserAddrFault(mm, BASE + i * PAGE, FaultHandler.PF_WRITE | FaultHandler.PF_USER, context);
        }
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long munmap() {
        return system.munmap().run(mm, BASE, PAGES * PAGE);
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long mprotect() {
        return system.mprotect().run(mm, context, BASE, PAGES * PAGE, Prot.READ);
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long forkAndExit() {
        MmStruct child = system.newMm(MmLimits.ROOT);
        long result = system.fork().dupMmap(child, mm, context);
        system.exitMmap(child);
        return result;
    }

    /** The fault alone, mapping and unmapping a page's share included. */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public void munmapMapAndFault() {
        system.munmap().run(mm, BASE, PAGES * PAGE);
        fill();
    }
}
