package faultline.mmu.bench;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.mm.Prot;
import faultline.mmu.phys.Page;
import faultline.mmu.table.PtlMode;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Threads that write to pages of one address space for the first time, each fault with the mmap lock taken and
 * released: nanoseconds of one thread divided by those of two is how many times the rate two have.
 *
 * <p>The threads are the benchmark's own. They meet before and after each round of {@link #PAGES} faults in all.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FaultScalingBenchmark {
    static final int PAGES = 65_536;

    /** Where the threads' pages are. */
    public enum Place {
        /** One mapping each. */
        OWN_VMA,
        /** One mapping, and halves of it: no page table in common. */
        SAME_VMA,
        /** One mapping, and every other page of it: all page tables in common. */
        SAME_TABLES
    }

    @Param({"SPLIT", "MM"})
    public PtlMode ptl;

    @Param
    public Place place;

    @Param({"1", "2"})
    public int threads;

    Machine machine;
    private CyclicBarrier barrier;
    private volatile boolean over;

    @Setup
    public void boot() {
        machine = new Machine(ptl);
        machine.map(Machine.BASE, PAGES);
        if (place == Place.OWN_VMA) {
            // Other rights in between keep the two from being one.
            machine.map(Machine.BASE + PAGES / 2 * Page.SIZE, PAGES / 2, Prot.READ | Prot.WRITE | Prot.EXEC);
        }
        for (long at = 0; at < PAGES * Page.SIZE; at += Page.SIZE) {
            machine.touch(Machine.BASE + at, machine.context);
        }
        barrier = new CyclicBarrier(threads + 1);
        for (int i = 0; i < threads; i++) {
            int number = i;
            Thread.ofPlatform().daemon().name("faults-" + i).start(() -> work(number));
        }
    }

    @TearDown
    public void close() throws Exception {
        over = true;
        barrier.await();
        barrier.await();
        machine.close();
    }

    @Setup(Level.Invocation)
    public void discard() {
        machine.discard(Machine.BASE, PAGES);
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public void fault(LockWaits waits) throws Exception {
        waits.begin(machine);
        barrier.await();
        barrier.await();
        waits.end(PAGES);
    }

    private void work(int number) {
        FaultContext task = new FaultContext();
        try {
            while (true) {
                barrier.await();
                // Looked at once a round: it may be set while others still leave the round before.
                boolean last = over;
                if (!last) {
                    share(number, task);
                }
                barrier.await();
                if (last) {
                    return;
                }
            }
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** One thread's part of a round. */
    private void share(int number, FaultContext task) {
        boolean mixed = place == Place.SAME_TABLES;
        int count = PAGES / threads;
        long step = mixed ? threads * Page.SIZE : Page.SIZE;
        long at = Machine.BASE + (mixed ? number : number * count) * Page.SIZE;
        for (int i = 0; i < count; i++, at += step) {
            machine.touch(at, task);
        }
    }
}
