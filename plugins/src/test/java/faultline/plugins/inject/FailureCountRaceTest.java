package faultline.plugins.inject;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.task.TaskFailures;
import faultline.plugins.weave.ShapesApi;
import faultline.plugins.weave.WeavingClassLoader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tasks that pass the same point at once: what fails adds up to what the knobs say, to the last call. */
class FailureCountRaceTest {
    private static final int THREADS = 6;
    private static final int CALLS = 4_000;

    private interface Body {
        void run() throws Exception;
    }

    private static void inThreads(Body body) throws InterruptedException {
        var barrier = new CyclicBarrier(THREADS);
        List<Throwable> thrown = Collections.synchronizedList(new ArrayList<>());
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < THREADS; i++) {
            threads.add(Thread.ofPlatform().start(() -> {
                try {
                    barrier.await();
                    for (int call = 0; call < CALLS; call++) {
                        body.run();
                    }
                } catch (Exception | Error e) {
                    thrown.add(e);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(thrown).isEmpty();
    }

    /** Hits that fail when one thread makes all calls. */
    private static List<Long> alone(FailKnobs knobs) {
        var failing = new ArrayList<Long>();
        for (int i = 0; i < THREADS * CALLS; i++) {
            long hit = knobs.hit(4096);
            if (hit != 0) {
                failing.add(hit);
            }
        }
        return failing;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a:times=1000",
                "a:interval=7,times=500",
                "a:space=40960000",
                "a:probability=30,times=2000",
                "a:nth=12345,times=-1"
            })
    void sameHitsFailAsForOneThread(String spec) throws InterruptedException {
        var knobs = new FailKnobs(FailSpec.parse(spec), 3);
        List<Long> failing = Collections.synchronizedList(new ArrayList<>());
        inThreads(() -> {
            long hit = knobs.hit(4096);
            if (hit != 0) {
                failing.add(hit);
            }
        });
        assertThat(knobs.hits()).isEqualTo(THREADS * CALLS);
        assertThat(failing)
                .isNotEmpty()
                .containsExactlyInAnyOrderElementsOf(alone(new FailKnobs(FailSpec.parse(spec), 3)));
    }

    @Test
    void everyHitOfAWovenPointIsCountedAndEveryFailureReported() throws Exception {
        var loader = new WeavingClassLoader(getClass().getClassLoader());
        var woven = (ShapesApi) loader.loadClass("faultline.plugins.sample.Shapes")
                .getConstructor()
                .newInstance();
        var failed = new AtomicInteger();
        var injector = new Injector(
                List.of(FailSpec.parse("sample/alloc:interval=5,times=300,verbose=0")), new FakeGuest(), 1);
        injector.attach(loader.registry());
        inThreads(() -> {
            if (woven.alloc(FakeGuest.HEAP, 0) == -12) {
                failed.incrementAndGet();
            }
        });
        injector.close();
        assertThat(failed).hasValue(300);
        assertThat(injector.fired()).hasSize(300);
        assertThat(injector.hits()).containsEntry("sample/alloc", (long) THREADS * CALLS);
        assertThat(injector.fired().stream().map(FiredFailure::hit))
                .doesNotHaveDuplicates()
                .allMatch(hit -> hit % 5 == 0 && hit <= 1500);
    }

    @Test
    void failNthFailsOneCallThoughOthersWriteIt() throws InterruptedException {
        var failures = new TaskFailures();
        failures.setNth(THREADS * CALLS / 2);
        var failed = new AtomicInteger();
        inThreads(() -> failed.addAndGet(failures.countNth() ? 1 : 0));
        assertThat(failed).hasValue(1);
        assertThat(failures.nth()).isZero();

        Thread eraser = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < CALLS * THREADS; i++) {
                failures.setNth(1);
                failures.setNth(0);
            }
        });
        inThreads(() -> {
            failures.countNth();
            assertThat(failures.nth()).as("never below nought").isBetween(0, 1);
        });
        eraser.join();
    }
}
