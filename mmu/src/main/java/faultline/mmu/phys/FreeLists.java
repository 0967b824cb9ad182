package faultline.mmu.phys;

import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.SpinLock;

/**
 * The buddy lists with their lock, a reserve that only some may touch, and the level at which somebody should free
 * more.
 */
final class FreeLists {
    private static final LockClass LOCK_CLASS = new LockClass("frame_allocator", LockRank.FRAME_ALLOCATOR_LOCK);
    /** Frames that are given back before others get their turn at the lock. */
    private static final int LONGEST_HOLD = 512;

    private final SpinLock lock = new SpinLock(LOCK_CLASS);

    /** Guarded by {@link #lock}. */
    private final BuddyLists lists;

    /** Guarded by {@link #lock}; read without it for estimates. */
    private volatile long free;

    private volatile long minWatermark;
    private volatile long lowWatermark;

    /** @param firstFree frames below are not the allocator's */
    FreeLists(FrameTable frames, long firstFree) {
        lists = new BuddyLists(frames, firstFree);
        free = lists.free();
    }

    /** How many frames are listed, or were never handed out. */
    long free() {
        return free;
    }

    long minWatermark() {
        return minWatermark;
    }

    long lowWatermark() {
        return lowWatermark;
    }

    void setWatermarks(long min, long low) {
        minWatermark = min;
        lowWatermark = low;
    }

    boolean isLow() {
        return free < lowWatermark;
    }

    /** Takes a block of 2^order frames. @return its first, or -1 when there is none, or none but the reserve */
    long take(int order, boolean keepReserve) {
        lock.lock();
        long reserve = keepReserve ? minWatermark : 0;
        long pfn = lists.free() - (1L << order) < reserve ? -1 : lists.take(order);
        free = lists.free();
        lock.unlock();
        return pfn;
    }

    /** As {@link #take} of a block larger than any list has. */
    long takeContiguous(int order, boolean keepReserve) {
        lock.lock();
        long reserve = keepReserve ? minWatermark : 0;
        long pfn = lists.free() - (1L << order) < reserve ? -1 : lists.takeContiguous(order);
        free = lists.free();
        lock.unlock();
        return pfn;
    }

    /** Gives a block back that is larger than any list has. */
    void giveContiguous(long first, int order) {
        lock.lock();
        lists.giveRun(first, 1L << order);
        free = lists.free();
        lock.unlock();
    }

    /** Takes up to {@code wanted} single frames, none of the reserve, in falling order. @return how many */
    int takeSingles(long[] into, int wanted) {
        lock.lock();
        int count = (int) Math.max(0, Math.min(wanted, lists.free() - minWatermark));
        for (int i = count - 1; i >= 0; i--) {
            into[i] = lists.take(0);
        }
        free = lists.free();
        lock.unlock();
        sortDescending(into, count);
        return count;
    }

    /** Insertion sort: the frames come nearly in that order already. */
    private static void sortDescending(long[] pfns, int count) {
        for (int i = 1; i < count; i++) {
            long pfn = pfns[i];
            int at = i;
            while (at > 0 && pfns[at - 1] < pfn) {
                pfns[at] = pfns[at - 1];
                at--;
            }
            pfns[at] = pfn;
        }
    }

    /** Gives a block of 2^order frames back. */
    void give(long pfn, int order) {
        lock.lock();
        lists.give(pfn, order);
        free = lists.free();
        lock.unlock();
    }

    /**
     * Gives single frames back; those that adjoin in rising or falling order are given as the blocks that they make up.
     */
    void giveSingles(long[] pfns, int from, int to) {
        for (int at = from; at < to; ) {
            int end = Math.min(to, at + LONGEST_HOLD);
            lock.lock();
            while (at < end) {
                at += giveRun(pfns, at, end);
            }
            free = lists.free();
            lock.unlock();
        }
    }

    private int giveRun(long[] pfns, int from, int end) {
        long first = pfns[from];
        int length = 1;
        if (from + 1 < end && pfns[from + 1] == first - 1) {
            while (from + length < end && pfns[from + length] == first - length) {
                length++;
            }
            first -= length - 1;
        } else {
            while (from + length < end && pfns[from + length] == first + length) {
                length++;
            }
        }
        lists.giveRun(first, length);
        return length;
    }

    /** How many free blocks of exactly that order are listed. */
    long blocks(int order) {
        lock.lock();
        try {
            return lists.blocks(order);
        } finally {
            lock.unlock();
        }
    }

    /** Checks the lists. @return the first violation, or null */
    String audit() {
        lock.lock();
        try {
            return lists.audit();
        } finally {
            lock.unlock();
        }
    }
}
