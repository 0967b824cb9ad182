package faultline.plugins.weave;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Listeners that come and go in many threads while others run what they listen to. */
@SuppressWarnings("try") // attachments are closed at the end of a block, and need no other use
class AttachmentRaceTest {
    private static final int RUNNERS = 3;
    private static final int LISTENERS = 3;
    private static final int ROUNDS = Integer.getInteger("faultline.stress", 1) * 40;

    /** A runner calls in less, on however busy a machine. */
    private static final long PATIENCE_NANOS = 600_000_000_000L;

    private final WeavingClassLoader loader = new WeavingClassLoader(getClass().getClassLoader());
    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicLong calls = new AtomicLong();
    /** All that any listener was told. */
    private final AtomicLong heard = new AtomicLong();

    private final List<Throwable> thrown = Collections.synchronizedList(new ArrayList<>());
    private final List<Thread> runners = new ArrayList<>();

    private final class Counter implements ProbeListener {
        private final AtomicInteger entries = new AtomicInteger();
        private final AtomicInteger exits = new AtomicInteger();

        @Override
        public void entry(ProbeSite site, Object receiver, Object[] arguments) {
            heard.incrementAndGet();
            entries.incrementAndGet();
        }

        @Override
        public void exit(ProbeSite site, Object receiver, Object result) {
            heard.incrementAndGet();
            exits.incrementAndGet();
        }
    }

    private ShapesApi shapes(WeavingClassLoader world) throws ReflectiveOperationException {
        return (ShapesApi) world.loadClass("faultline.plugins.sample.Shapes")
                .getConstructor()
                .newInstance();
    }

    private Thread start(AutoCloseable body) {
        return Thread.ofPlatform().start(() -> {
            try {
                body.close();
            } catch (Exception | Error e) {
                thrown.add(e);
                stop.set(true);
            }
        });
    }

    private void run(ShapesApi shapes) {
        runners.add(start(() -> {
            for (long i = 1; !stop.get(); i++) {
                assertThat(shapes.branches(i)).isEqualTo(2 * i);
                assertThat(shapes.add((int) i, 1)).isEqualTo((int) i + 1);
                calls.incrementAndGet();
            }
        }));
    }

    /** Has all listeners do their rounds, then the runners end. */
    private void listen(AutoCloseable body) throws InterruptedException {
        var listeners = new ArrayList<Thread>();
        for (int i = 0; i < LISTENERS; i++) {
            listeners.add(start(body));
        }
        for (Thread thread : listeners) {
            thread.join();
        }
        stop.set(true);
        for (Thread thread : runners) {
            thread.join();
        }
        assertThat(thrown).isEmpty();
    }

    private void assertNobodyHears(ShapesApi woven) {
        long before = heard.get();
        woven.add(1, 1);
        woven.branches(1);
        assertThat(heard).hasValue(before);
    }

    private void awaitCall(AtomicInteger counter) {
        int before = counter.get();
        long end = System.nanoTime() + PATIENCE_NANOS;
        while (counter.get() == before && !stop.get()) {
            assertThat(System.nanoTime()).as("nothing is heard").isLessThan(end);
            Thread.onSpinWait();
        }
    }

    @Test
    void everyListenerHearsWhileAttachedAndNoneIsLeftInTheEnd() throws Exception {
        ShapesApi woven = shapes(loader);
        for (int i = 0; i < RUNNERS; i++) {
            run(woven);
        }
        listen(() -> {
            for (int round = 0; round < ROUNDS; round++) {
                var counter = new Counter();
                try (Attachment attachment = loader.registry().attach("race", "sample_*", counter)) {
                    awaitCall(counter.entries);
                    awaitCall(counter.exits);
                    assertThat(attachment.failure()).isNull();
                }
            }
        });
        assertThat(calls.get()).isPositive();
        assertThat(heard.get()).isGreaterThanOrEqualTo(2L * LISTENERS * ROUNDS);
        assertNobodyHears(woven);
    }

    @Test
    void listenersThatThrowInManyThreadsAreReportedOnceAndGoAlone() throws Exception {
        ShapesApi woven = shapes(loader);
        for (int i = 0; i < RUNNERS; i++) {
            run(woven);
        }
        var stays = new Counter();
        Attachment staying = loader.registry().attach("stays", "sample_add", stays);
        listen(() -> {
            for (int round = 0; round < ROUNDS; round++) {
                var failing = new CountDownLatch(1);
                Attachment attachment = loader.registry().attach("fails", "sample_*", new ProbeListener() {
                    @Override
                    public void entry(ProbeSite site, Object receiver, Object[] arguments) {
                        heard.incrementAndGet();
                        failing.countDown();
                        throw new IllegalStateException("a listener's own");
                    }
                });
                assertThat(failing.await(PATIENCE_NANOS, TimeUnit.NANOSECONDS)).isTrue();
                while (attachment.failure() == null) {
                    Thread.onSpinWait();
                }
                attachment.close(); // again, or while it detaches itself
            }
        });
        assertThat(staying.failure()).isNull();
        int before = stays.entries.get();
        woven.add(1, 1);
        assertThat(stays.entries).hasValue(before + 1);
        staying.close();
        assertNobodyHears(woven);
    }

    @Test
    void classesThatLoadMeanwhileAreListenedToOrNotAsAWhole() throws Exception {
        for (int round = 0; round < ROUNDS / 4; round++) {
            var world = new WeavingClassLoader(getClass().getClassLoader());
            var counter = new Counter();
            var begin = new CountDownLatch(1);
            Thread attaching = start(() -> {
                begin.await();
                world.registry().attach("race", "sample_*", counter);
            });
            Thread loading = start(() -> {
                begin.await();
                assertThat(shapes(world).add(1, 1)).isEqualTo(2);
            });
            begin.countDown();
            attaching.join();
            loading.join();
            int before = counter.entries.get();
            assertThat(shapes(world).add(1, 1)).isEqualTo(2);
            assertThat(counter.entries).as("attached by now, whoever was first").hasValue(before + 1);
            assertThat(counter.exits).hasValue(before + 1);
        }
        assertThat(thrown).isEmpty();
    }
}
