package faultline.mmu.bench;

import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.table.PtlMode;
import java.util.Random;
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
import org.openjdk.jmh.infra.Blackhole;

/** One mapping among as many as vm.max_map_count allows, each of one page with a page free beside it. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ManyVmasBenchmark {
    private static final int AREAS = 65_530;
    private static final int BATCH = 512;

    private final Random random = new Random(1);
    private final long[] chosen = new long[BATCH];
    private final long[] placed = new long[BATCH];
    private Machine machine;

    @Setup
    public void boot() {
        machine = new Machine(PtlMode.SPLIT);
        for (int i = 0; i < AREAS - BATCH; i++) {
            machine.map(place(i), 1);
        }
    }

    @TearDown
    public void close() {
        machine.close();
    }

    private static long place(int number) {
        return Machine.BASE + 2L * number * Page.SIZE;
    }

    /** Different ones, one out of each part of the whole. */
    @Setup(Level.Invocation)
    public void choose() {
        int part = (AREAS - BATCH) / BATCH;
        for (int i = 0; i < BATCH; i++) {
            chosen[i] = place(i * part + random.nextInt(part));
        }
        for (int i = BATCH - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            long address = chosen[i];
            chosen[i] = chosen[other];
            chosen[other] = address;
        }
    }

    /** Everything as it was. */
    @TearDown(Level.Invocation)
    public void restore() {
        for (int i = 0; i < BATCH; i++) {
            machine.map(chosen[i], 1);
            if (placed[i] != 0) {
                Machine.check(machine.system.munmap().run(machine.mm, placed[i], Page.SIZE));
                placed[i] = 0;
            }
        }
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void munmap() {
        for (long address : chosen) {
            machine.system.munmap().run(machine.mm, address, Page.SIZE);
        }
    }

    /**
     * Where the search for room finds it; of other rights than its neighbours, so that it stays a mapping of its own.
     */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void mmap() {
        int flags = MmapFlags.PRIVATE | MmapFlags.ANONYMOUS;
        for (int i = 0; i < BATCH; i++) {
            placed[i] = machine.system
                    .mmap()
                    .doMmap(machine.mm, machine.context, chosen[i] + Page.SIZE, Page.SIZE, Prot.READ, flags, null, 0);
        }
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void find(Blackhole sink) {
        for (long address : chosen) {
            Vma found = machine.mm.vmas().find(address);
            sink.consume(found);
        }
    }
}
