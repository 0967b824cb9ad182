package faultline.plugins.inject;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.task.GuestMachine;
import faultline.emulator.task.GuestSpec;
import faultline.plugins.guest.Guests;
import faultline.plugins.weave.Glob;
import faultline.plugins.weave.SiteRegistry;
import faultline.plugins.weave.WovenWorld;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The first hits of every injection point, one failure a run: whatever becomes of the guest, the memory manager neither
 * throws nor loses or leaks anything. Some programs and hits by default; system properties widen it:
 * {@code faultline.sweep.programs} (names with commas, or {@code all}), {@code .hits} (of each point), {@code .points}
 * (a pattern), {@code .seconds} (for each program). {@link SweepGuest} says what a program is given.
 */
class FailureSweepTest {
    private static final String PROGRAMS =
            System.getProperty("faultline.sweep.programs", "mremap_move,private_file,working_set");
    private static final int HITS = Integer.getInteger("faultline.sweep.hits", 2);
    private static final String POINTS = System.getProperty("faultline.sweep.points", "*");
    private static final int SECONDS = Integer.getInteger("faultline.sweep.seconds", 20);
    /**
     * A guest whose calls fail may try for ever: seconds it gets at least, and as a multiple of a run without failure.
     */
    private static final int GUEST_SECONDS = 3;

    private static final int GUEST_RUNS = 8;

    @TestFactory
    Stream<DynamicTest> memoryManagerSurvivesTheFirstFailuresOfEveryPoint() throws Exception {
        List<String> programs = PROGRAMS.equals("all") ? all() : List.of(PROGRAMS.split(","));
        return programs.stream()
                .map(name -> DynamicTest.dynamicTest(name, () -> {
                    Object result = WovenWorld.run(
                            Experiment::weaves, Sweep.class, name, WovenWorld.program(name), HITS, POINTS, (long)
                                    SECONDS);
                    List<String> lines =
                            ((List<?>) result).stream().map(String.class::cast).toList();
                    System.out.println(name + ": " + lines.getLast());
                    assertThat(lines.getLast()).matches("[1-9][0-9]* failures.*");
                    assertThat(lines.subList(0, lines.size() - 1)).isEmpty();
                }));
    }

    /** All programs but those that measure. */
    private static List<String> all() throws Exception {
        Path bin = Path.of(WovenWorld.program("hello")).getParent();
        List<String> measuring = List.of("compute", "memory", "processes");
        try (Stream<Path> files = Files.list(bin)) {
            return files.filter(Files::isExecutable)
                    .map(file -> file.getFileName().toString())
                    .filter(name -> !measuring.contains(name))
                    .sorted()
                    .toList();
        }
    }

    /** All failures of one program, in one world. */
    static final class Sweep {
        private final SiteRegistry registry;
        private final GuestSpec guest;
        private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
            var thread = new Thread(task, "sweep-timer");
            thread.setDaemon(true);
            return thread;
        });
        private final List<String> wrong = new ArrayList<>();
        private ScheduledFuture<?> limit;
        private final List<String> endless = new ArrayList<>();
        private volatile String running = "nothing";

        private long limitNanos = TimeUnit.MINUTES.toNanos(1);

        private Sweep(SiteRegistry registry, GuestSpec guest) {
            this.registry = registry;
            this.guest = guest;
        }

        static List<String> run(SiteRegistry registry, Object[] arguments) {
            var sweep = new Sweep(registry, SweepGuest.of((String) arguments[0], (String) arguments[1]));
            try {
                return sweep.all((Integer) arguments[2], Glob.of((String) arguments[3]), (Long) arguments[4]);
            } finally {
                sweep.timer.shutdownNow();
            }
        }

        private List<String> all(int hits, Glob points, long seconds) {
            long start = System.nanoTime();
            long end = start + TimeUnit.SECONDS.toNanos(seconds);
            var known = new TreeMap<>(once(List.of()).hits());
            limitNanos = Math.max(TimeUnit.SECONDS.toNanos(GUEST_SECONDS), GUEST_RUNS * (System.nanoTime() - start));
            int runs = 0;
            int left = 0;
            for (int nth = 1; nth <= hits; nth++) { // each point's first before any point's second
                for (var point : known.entrySet()) {
                    if (point.getValue() < nth || !points.matches(point.getKey())) {
                        continue;
                    }
                    if (System.nanoTime() > end) {
                        left++;
                        continue;
                    }
                    String spec = point.getKey() + ":nth=" + nth;
                    running = spec;
                    try {
                        once(List.of(FailSpec.parse(spec))).audit().forEach(line -> wrong.add(spec + ": " + line));
                    } catch (RuntimeException | Error e) {
                        wrong.add(
                                spec + ": " + e + " at " + (e.getStackTrace().length > 0 ? e.getStackTrace()[0] : "?"));
                    }
                    runs++;
                }
            }
            wrong.add(runs + " failures, " + endless.size() + " guests stopped " + endless + ", " + left
                    + " left for want of time");
            return wrong;
        }

        private Experiment.Result once(List<FailSpec> failures) {
            try {
                return Experiment.run(registry, guest, failures, 0, this::prepare);
            } finally {
                if (limit != null) {
                    limit.cancel(false);
                }
            }
        }

        private void prepare(GuestMachine machine) {
            Guests.redirect(machine, "/dev/null");
            limit = timer.schedule(
                    () -> {
                        endless.add(running);
                        machine.kernel().killAll();
                    },
                    limitNanos,
                    TimeUnit.NANOSECONDS);
        }
    }
}
