package faultline.plugins.event;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;

/**
 * Bounded queue of records: any number of producing threads, one consumer, no allocation, no lock.
 *
 * <p>A producer claims a slot by moving {@code tail}, writes it and publishes it by storing the claim's number plus one
 * in the slot's sequence. Should the ring be full, the record is dropped and counted, or with {@code lossless} the
 * producer waits for the consumer. Claims are in the order of time for each producer, so that the consumer sees every
 * task's events in their order.
 *
 * <p>With {@link #drainLast} it ends: what was claimed until then is waited for and handed over, nothing is claimed
 * afterwards, and nobody waits for room any more.
 */
public final class EventRing {
    /** The largest ring there is. */
    public static final int MOST_SLOTS = 1 << 26;

    private static final int WORDS = EventType.WORDS;
    private static final long POLL_NANOS = 200_000;
    /** Set in {@code tail} when nothing may be claimed any more. */
    private static final long ENDED = Long.MIN_VALUE;

    private final long[] records;
    private final AtomicLongArray published;
    private final int mask;
    private final boolean lossless;
    private final AtomicLong tail = new AtomicLong();
    private final AtomicLong head = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();

    /**
     * @param slots records held at most, a power of two
     * @param lossless whether producers wait when it is full
     */
    public EventRing(int slots, boolean lossless) {
        if (slots < 1 || slots > MOST_SLOTS || Integer.bitCount(slots) != 1) {
            throw new IllegalArgumentException("ring size must be a power of two up to 2^26, not " + slots);
        }
        this.records = new long[slots * WORDS];
        this.published = new AtomicLongArray(slots);
        this.mask = slots - 1;
        this.lossless = lossless;
    }

    /**
     * Copies a record in.
     *
     * @param record at least {@link EventType#WORDS} longs
     * @return false when it was dropped, or came after the end
     */
    public boolean offer(long[] record) {
        long claim;
        boolean waited = false;
        do {
            claim = tail.get();
            if (claim < 0) {
                if (waited) {
                    dropped.getAndIncrement();
                }
                return false;
            }
            if (claim - head.get() > mask) {
                if (!lossless) {
                    dropped.getAndIncrement();
                    return false;
                }
                LockSupport.parkNanos(this, POLL_NANOS);
                waited = true;
                continue;
            }
        } while (claim - head.get() > mask || !tail.compareAndSet(claim, claim + 1));
        int slot = (int) claim & mask;
        System.arraycopy(record, 0, records, slot * WORDS, WORDS);
        published.setRelease(slot, claim + 1);
        return true;
    }

    /** What the consumer does with a record; the array is the ring's own, valid only during the call. */
    @FunctionalInterface
    public interface Consumer {
        void accept(long[] records, int base);
    }

    /** Hands over all records that are there now; called by one thread only. Returns how many. */
    public int drain(Consumer consumer) {
        long at = head.get();
        int count = 0;
        for (int slot = (int) at & mask; published.getAcquire(slot) == at + 1; slot = (int) at & mask) {
            consumer.accept(records, slot * WORDS);
            head.setRelease(++at);
            count++;
        }
        return count;
    }

    /**
     * Ends the ring, and hands over all records that it has taken in, those whose producers are still writing them too;
     * called by the consumer. Returns how many.
     */
    public int drainLast(Consumer consumer) {
        long end = tail.getAndUpdate(claim -> claim | ENDED) & ~ENDED;
        int count = 0;
        while (head.get() < end) {
            count += drain(consumer);
            Thread.onSpinWait();
        }
        return count;
    }

    /** Records that did not fit. */
    public long dropped() {
        return dropped.get();
    }

    /** Records taken in so far. */
    public long accepted() {
        return tail.get() & ~ENDED;
    }
}
