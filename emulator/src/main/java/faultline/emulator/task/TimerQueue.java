package faultline.emulator.task;

import java.lang.Thread.UncaughtExceptionHandler;
import java.util.PriorityQueue;

/**
 * Calls things back at given times of the machine's monotonic clock: interval timers, POSIX timers, timer descriptors.
 *
 * <p>One thread a machine, started by the first timer. A callback runs on that thread and must not block. With a
 * virtual clock there is no thread: whoever makes time pass calls {@link #runDue}.
 */
public final class TimerQueue implements AutoCloseable {
    /** A pending call. Cancelled by {@link TimerQueue#cancel}. */
    public static final class Entry implements Comparable<Entry> {
        private final long deadline;
        private final long order;
        private final Runnable action;

        private Entry(long deadline, long order, Runnable action) {
            this.deadline = deadline;
            this.order = order;
            this.action = action;
        }

        @Override
        public int compareTo(Entry other) {
            int byTime = Long.compare(deadline, other.deadline);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    private final KernelClock clock;
    private final UncaughtExceptionHandler watch;
    /** Guards itself. */
    private final PriorityQueue<Entry> queue = new PriorityQueue<>();

    private Thread thread;
    private boolean closed;
    private long orders;

    /** @param watch hears of a callback that throws: no others are made afterwards */
    TimerQueue(KernelClock clock, UncaughtExceptionHandler watch) {
        this.clock = clock;
        this.watch = watch;
    }

    /** Calls {@code action} once, at {@code deadline} (nanoseconds of CLOCK_MONOTONIC) or shortly after. */
    public Entry at(long deadline, Runnable action) {
        synchronized (queue) {
            Entry entry = new Entry(deadline, orders++, action);
            if (closed) {
                return entry;
            }
            queue.add(entry);
            if (thread == null && !clock.isVirtual()) {
                thread = new Thread(this::run, "faultline-timers");
                thread.setDaemon(true);
                thread.setUncaughtExceptionHandler(watch);
                thread.start();
            }
            queue.notifyAll();
            return entry;
        }
    }

    /** Returns whether the call will not happen; false when it has begun, or happened, or {@code entry} is null. */
    public boolean cancel(Entry entry) {
        synchronized (queue) {
            return entry != null && queue.remove(entry);
        }
    }

    /** Makes the calls that are due, the earliest first. For a virtual clock. */
    void runDue() {
        while (true) {
            Entry due;
            synchronized (queue) {
                due = queue.peek();
                if (due == null || due.deadline > clock.now(KernelClock.MONOTONIC)) {
                    return;
                }
                queue.poll();
            }
            due.action.run();
        }
    }

    /** When the next call is due, on the monotonic clock; {@link Sleeps#NEVER} when none is wanted. */
    long nextDeadline() {
        synchronized (queue) {
            Entry first = queue.peek();
            return first == null ? Sleeps.NEVER : first.deadline;
        }
    }

    private void run() {
        while (true) {
            Entry due;
            synchronized (queue) {
                due = awaitDue();
            }
            if (due == null) {
                return;
            }
            due.action.run();
        }
    }

    private Entry awaitDue() {
        while (!closed) {
            Entry first = queue.peek();
            try {
                if (first == null) {
                    queue.wait();
                    continue;
                }
                long left = first.deadline - clock.now(KernelClock.MONOTONIC);
                if (left <= 0) {
                    return queue.poll();
                }
                queue.wait(left / 1_000_000, (int) (left % 1_000_000));
            } catch (InterruptedException e) {
                return null;
            }
        }
        return null;
    }

    @Override
    public void close() {
        Thread worker;
        synchronized (queue) {
            closed = true;
            queue.clear();
            queue.notifyAll();
            worker = thread;
        }
        if (worker != null) {
            try {
                worker.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
