package faultline.emulator.cpu;

import java.util.Arrays;

/**
 * What we believe of Unicorn's TLB: how large it is, and which slots were filled since the last full flush.
 *
 * <p>The TLB is direct-mapped by the low bits of the page number, and changes its size only inside a full flush: it
 * doubles when more than 70 % of its slots were used, and shrinks when less than 30 % were used for 100 ms. Nobody
 * flushes a program that just computes, so its TLB would stay at 256 entries. {@link #filled} sees when pages push each
 * other out of a nearly full TLB, and asks for the flush that lets it grow.
 *
 * <p>A stream of first touches fills slots too, yet what it fills it may never look at again: growing for it only makes
 * each full flush dearer (16,384 slots take 50 to 90 µs, 256 take 0.6). So, while nearly all fills are first touches,
 * {@link #filled} asks for a flush just before the use that would make the TLB grow.
 *
 * <p>The slot bits are also a filter for flushes of pages: a page whose bit is clear has not been filled since the last
 * full flush, whatever the true size is.
 *
 * <p>Used by the thread that runs the engine.
 */
final class TlbModel {
    private static final int SMALLEST = 1 << 8;
    private static final int LARGEST = 1 << 20;
    private static final int GROW_PERCENT = 70;
    private static final int SHRINK_PERCENT = 30;
    /** Use at which a TLB full of first touches is flushed, below {@link #GROW_PERCENT}. */
    private static final int TRIM_PERCENT = 65;
    /** Share of first touches among the fills from which a TLB is trimmed instead of left to grow. */
    private static final int FRESH_PERCENT = 75;

    private static final long WINDOW_NANOS = 100_000_000;
    /**
     * Collisions before growing are a size divided by this. Each size is grown from once, so impatience costs little.
     */
    private static final int PATIENCE = 8;
    /** Fills of slots in use, in sizes, after which the true size must be smaller than we believe. */
    private static final int DISBELIEF = 8;

    private int size = SMALLEST;
    private long[] slots = new long[SMALLEST / Long.SIZE];
    private int used;
    /** Fills since the last full flush that came from page faults. */
    private int fresh;
    /** Fills of slots that were in use already. */
    private long collisions;

    private int windowMax;
    private long windowBegin;

    /**
     * Notes the fill of a page; true: flush now, so that the TLB grows, or so that it does not have to.
     *
     * @param firstTouch whether a page fault made the page's entry just now
     */
    boolean filled(long pageNumber, boolean firstTouch) {
        int slot = (int) pageNumber & size - 1;
        long bit = 1L << slot;
        if ((slots[slot >> 6] & bit) == 0) {
            slots[slot >> 6] |= bit;
            used++;
            if (firstTouch) {
                fresh++;
                return used * 100L > (long) TRIM_PERCENT * size
                        && used * 100L < (long) GROW_PERCENT * size
                        && fresh * 100L >= (long) FRESH_PERCENT * used;
            }
            return false;
        }
        if (firstTouch) {
            return false;
        }
        return ++collisions >= size / PATIENCE && pressed();
    }

    /** Whether pages really push each other out for want of slots. */
    private boolean pressed() {
        if (used * 100L > (long) GROW_PERCENT * size && size < LARGEST) {
            return true;
        }
        if (collisions > (long) DISBELIEF * size && size > SMALLEST) {
            shrinkTo(Integer.highestOneBit(Math.max(used, SMALLEST) * 2 - 1));
        }
        return false;
    }

    /** Folds the slot bits: a page that was filled keeps a set bit. */
    private void shrinkTo(int smaller) {
        if (smaller < size) {
            long[] folded = new long[smaller / Long.SIZE];
            for (int i = 0; i < slots.length; i++) {
                folded[i % folded.length] |= slots[i];
            }
            slots = folded;
            size = smaller;
            used = 0;
            for (long word : slots) {
                used += Long.bitCount(word);
            }
        }
        collisions = 0;
    }

    /** Notes a full flush, at which the TLB chose its next size. */
    void flushed() {
        long now = System.nanoTime();
        windowMax = Math.max(windowMax, used);
        boolean expired = now - windowBegin > WINDOW_NANOS;
        int next = size;
        if (windowMax * 100L > (long) GROW_PERCENT * size) {
            next = Math.min(size << 1, LARGEST);
        } else if (expired && windowMax * 100L < (long) SHRINK_PERCENT * size) {
            next = Math.max(Integer.highestOneBit(Math.max(windowMax, 1) * 2 - 1), SMALLEST);
            if (windowMax * 100L > (long) GROW_PERCENT * next) {
                next <<= 1;
            }
        }
        if (next != size || expired) {
            windowMax = next == size ? used : 0;
            windowBegin = now;
        }
        if (next != size) {
            size = next;
            slots = new long[size / Long.SIZE];
        } else {
            Arrays.fill(slots, 0);
        }
        used = 0;
        fresh = 0;
        collisions = 0;
    }

    /** Whether a page may have an entry. */
    boolean mayHold(long pageNumber) {
        int slot = (int) pageNumber & size - 1;
        return (slots[slot >> 6] & 1L << slot) != 0;
    }

    /** How many of the pages from {@code first} to before {@code end} may have an entry. */
    int countIn(long first, long end) {
        if (end - first >= size) {
            return used;
        }
        int count = 0;
        for (long page = first; page < end; page++) {
            if ((page & 63) == 0 && end - page >= Long.SIZE) {
                count += Long.bitCount(slots[((int) page & size - 1) >> 6]);
                page += Long.SIZE - 1;
            } else if (mayHold(page)) {
                count++;
            }
        }
        return count;
    }

    /** Slots of the TLB, as far as we know. */
    int size() {
        return size;
    }

    /** Slots filled since the last full flush. */
    int used() {
        return used;
    }
}
