package faultline.plugins.trace;

import faultline.plugins.event.EventRing;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.output.EventSink;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * One trace under way: the ring that events go into, and the thread that hands them to the sinks.
 *
 * <p>A sink that fails (disk full, a reader that went away) is closed and reported once; the guest goes on.
 */
public final class TraceSession implements AutoCloseable {
    /** Records that wait for the writer at most, unless the user says otherwise: 128 K of 160 bytes. */
    public static final int DEFAULT_SLOTS = 1 << 17;

    private static final long IDLE_NANOS = 500_000;

    private final EventSelection selection;
    private final EventRing ring;
    private final EventSink sink;
    private volatile LongSupplier clock;
    private final AtomicBoolean ending = new AtomicBoolean();
    private final long[] written = new long[Events.ALL.size()];
    private final List<Subscriber> subscribers = new CopyOnWriteArrayList<>();
    private final Thread writer;
    private volatile IOException failure;

    /**
     * Starts the writer thread.
     *
     * @param slots records buffered at most, a power of two
     * @param lossless whether a full ring makes the guest wait instead of dropping events
     */
    public TraceSession(EventSelection selection, EventSink sink, int slots, boolean lossless) {
        this.selection = selection;
        this.ring = new EventRing(slots, lossless);
        this.sink = sink;
        long start = System.nanoTime();
        this.clock = () -> System.nanoTime() - start;
        this.writer = Thread.ofPlatform().daemon().name("trace-writer").start(this::write);
    }

    /** What this trace takes. */
    public EventSelection selection() {
        return selection;
    }

    /** Nanoseconds since the trace began. */
    public long now() {
        return clock.getAsLong();
    }

    /** Takes the time from another clock: a machine with a seed has one of its own. */
    public void setClock(LongSupplier newClock) {
        clock = newClock;
    }

    /** Whether the trace, or a subscriber, takes events of the type. */
    public boolean wants(EventType type) {
        return selection.wants(type) || subscribers.stream().anyMatch(s -> s.selection.wants(type));
    }

    /** Whether the trace, or a subscriber, takes events of one of the types. */
    public boolean wantsAny(EventType... types) {
        return Arrays.stream(types).anyMatch(this::wants);
    }

    /** Someone who is told of events in the thread that they happen in. */
    private record Subscriber(EventSelection selection, Consumer<long[]> consumer) {}

    /**
     * Has a consumer called for events, in their thread; the array is the thread's own and changes afterwards. To be
     * called before the tracepoints are chosen, or for events that are traced anyway.
     *
     * @return closes the subscription
     */
    public AutoCloseable subscribe(EventSelection events, Consumer<long[]> consumer) {
        var subscriber = new Subscriber(events, consumer);
        subscribers.add(subscriber);
        return () -> subscribers.remove(subscriber);
    }

    /** Takes an event, unless the filter refuses it. Called by the thread it happened in. */
    public void emit(long[] record) {
        for (Subscriber subscriber : subscribers) {
            if (subscriber.selection.passes(record)) {
                subscriber.consumer.accept(record);
            }
        }
        if (selection.passes(record)) {
            ring.offer(record);
        }
    }

    private void write() {
        while (true) {
            if (ending.get()) {
                ring.drainLast(this::write);
                return;
            }
            if (ring.drain(this::write) == 0) {
                LockSupport.parkNanos(this, IDLE_NANOS);
            }
        }
    }

    private void write(long[] records, int base) {
        int type = (int) records[base + EventType.TYPE];
        written[type]++;
        if (failure == null) {
            try {
                sink.event(Events.ALL.get(type), records, base);
            } catch (IOException e) {
                failure = unwritten(e);
            } catch (RuntimeException e) {
                failure = new IOException("the trace's output failed: " + e, e);
            }
        }
    }

    /** Events that did not fit into the ring. */
    public long dropped() {
        return ring.dropped();
    }

    /** Events of the type that reached the sink; exact after {@link #close}. */
    public long written(EventType type) {
        return written[type.id()];
    }

    /** Events of all types that reached the sink; exact after {@link #close}. */
    public long written() {
        return Arrays.stream(written).sum();
    }

    /**
     * Writes what is still in the ring, and the sink's end. Probes should be detached before, and the guest have ended.
     *
     * @throws IOException when the sink failed, then or earlier
     */
    @Override
    public void close() throws IOException {
        if (!ending.getAndSet(true)) {
            LockSupport.unpark(writer);
            boolean interrupted = false;
            while (writer.isAlive()) {
                try {
                    writer.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            closeSink();
        }
        if (failure != null) {
            throw failure;
        }
    }

    private void closeSink() {
        try {
            sink.close();
        } catch (IOException e) {
            failure = failure == null ? unwritten(e) : failure;
        }
    }

    private static IOException unwritten(IOException e) {
        return new IOException("the trace cannot be written: " + e.getMessage(), e);
    }
}
