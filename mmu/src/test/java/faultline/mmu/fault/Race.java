package faultline.mmu.fault;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicReference;

/** Runs pieces of code at once, again and again, all starting a round together. */
public final class Race {
    /** Rounds of a stress test; more with {@code -Dfaultline.stress=N} times. */
    public static final int ROUNDS = 2_000 * Integer.getInteger("faultline.stress", 1);

    private Race() {}

    /** One contestant's part of a round. */
    @FunctionalInterface
    public interface Part {
        void run(int round) throws Exception;
    }

    /** Runs {@code rounds} rounds: {@code before} alone, all {@code parts} at once, {@code after} alone. */
    public static void run(int rounds, Part before, Part after, Part... parts) throws Exception {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        CyclicBarrier start = new CyclicBarrier(parts.length + 1);
        CyclicBarrier end = new CyclicBarrier(parts.length + 1);
        List<Thread> threads = new ArrayList<>();
        for (Part part : parts) {
            threads.add(Thread.ofPlatform().daemon().start(() -> contest(rounds, part, start, end, failure)));
        }
        for (int round = 0; round < rounds && failure.get() == null; round++) {
            before.run(round);
            start.await();
            end.await();
            if (failure.get() == null) {
                after.run(round);
            }
        }
        for (Thread thread : threads) {
            thread.interrupt();
            thread.join();
        }
        if (failure.get() != null) {
            throw new AssertionError("a contestant failed: " + failure.get(), failure.get());
        }
    }

    private static void contest(
            int rounds, Part part, CyclicBarrier start, CyclicBarrier end, AtomicReference<Throwable> failure) {
        for (int round = 0; round < rounds; round++) {
            try {
                start.await();
            } catch (Exception e) {
                return; // the race was called off
            }
            try {
                part.run(round);
            } catch (Throwable e) {
                failure.compareAndSet(null, e);
            }
            try {
                end.await();
            } catch (Exception e) {
                return;
            }
        }
    }
}
