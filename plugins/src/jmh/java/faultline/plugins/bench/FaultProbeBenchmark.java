package faultline.plugins.bench;

import faultline.plugins.event.StringTable;
import faultline.plugins.trace.EventSelection;
import faultline.plugins.trace.Tracer;
import faultline.plugins.weave.Hook;
import faultline.plugins.weave.SiteRegistry;
import faultline.plugins.weave.WeavingClassLoader;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.TimeUnit;
import java.util.function.LongUnaryOperator;
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

/** A write fault on a fresh page: plain classes, woven ones that nobody listens to, counted, traced. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FaultProbeBenchmark {
    private static final int PAGES = 4096;

    /** What is woven and attached. */
    public enum World {
        PLAIN,
        /** The sites that tracing needs. */
        DETACHED,
        /** Every site there is. */
        ALL_DETACHED,
        COUNT,
        JSONL
    }

    @Param({"PLAIN", "DETACHED", "ALL_DETACHED", "COUNT", "JSONL"})
    public World world;

    private static long counted;

    private LongUnaryOperator round;

    public static void count() {
        counted++;
    }

    @Setup
    public void setUp() throws Exception {
        ClassLoader plain = FaultProbeBenchmark.class.getClassLoader();
        if (world == World.PLAIN) {
            round = new FaultRound();
            return;
        }
        var selection = new EventSelection("fault", null, new StringTable());
        var loader = new WeavingClassLoader(
                plain, site -> world == World.ALL_DETACHED || Tracer.weaves(site, selection));
        Class<?> type = loader.loadClass(FaultRound.class.getName());
        round = (LongUnaryOperator) type.getConstructor().newInstance();
        if (world == World.COUNT) {
            MethodHandle count = MethodHandles.lookup().findStatic(
                    FaultProbeBenchmark.class, "count", MethodType.methodType(void.class));
            loader.registry().attach("count", site -> site.name().equals("handle_mm_fault"),
                    (site, hook, offered) -> hook == Hook.ENTRY ? count : null);
        } else if (world == World.JSONL) {
            type.getMethod("trace", SiteRegistry.class).invoke(round, loader.registry());
        }
    }

    @Setup(Level.Invocation)
    public void freshPages() {
        round.applyAsLong(-PAGES);
    }

    @TearDown
    public void tearDown() throws Exception {
        ((AutoCloseable) round).close();
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public long fault() {
        long done = round.applyAsLong(0);
        if (done != PAGES) {
            throw new IllegalStateException(done + " of " + PAGES + " pages came in");
        }
        return done;
    }
}
