package faultline.mmu.bench;

import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
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

/** Clearing 4 KiB, page after page, in the ways that Java has: the yardstick of the anonymous fault. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FillBenchmark {
    /** Pages that fit into the second-level cache, with tables and frame records. */
    static final int FEW = 256;
    /** Pages that do not. */
    static final int MANY = 20_000;

    /** How a page is cleared. */
    public enum Way {
        /** {@link MemorySegment#fill}. */
        FILL,
        /** Copying a page of zeros, as {@link PhysicalMemory#zero} does. */
        COPY,
        /** The C library's memset, called without a change of the thread's state. */
        MEMSET,
        /** A loop that stores longs, left to the compiler. */
        LOOP
    }

    @Param
    public Way way;

    private MethodHandle memset;
    private PhysicalMemory memory;
    private MemorySegment pages;
    private final MemorySegment zeros = Arena.global().allocate(Page.SIZE, Page.SIZE);

    @Setup
    public void reserve() {
        memory = PhysicalMemory.reserve(128L << 20);
        pages = memory.segment();
        Linker linker = Linker.nativeLinker();
        memset = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("memset"),
                FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG),
                Linker.Option.critical(false));
    }

    @TearDown
    public void close() {
        memory.close();
    }

    @Benchmark
    @OperationsPerInvocation(FEW)
    public void fewPages() throws Throwable {
        clear(FEW);
    }

    @Benchmark
    @OperationsPerInvocation(MANY)
    public void manyPages() throws Throwable {
        clear(MANY);
    }

    private void clear(int count) throws Throwable {
        for (long at = 0; at < count * Page.SIZE; at += Page.SIZE) {
            switch (way) {
                case FILL -> pages.asSlice(at, Page.SIZE).fill((byte) 0);
                case COPY -> MemorySegment.copy(zeros, 0, pages, at, Page.SIZE);
                case MEMSET -> memset.invokeExact(pages.address() + at, 0, Page.SIZE);
                case LOOP -> {
                    for (long word = at; word < at + Page.SIZE; word += 8) {
                        pages.set(ValueLayout.JAVA_LONG_UNALIGNED, word, 0L);
                    }
                }
            }
        }
    }
}
