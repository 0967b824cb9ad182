package faultline.mmu.phys;

import static faultline.mmu.phys.NativeMemory.ALL;
import static faultline.mmu.phys.NativeMemory.INT;
import static faultline.mmu.phys.NativeMemory.LONG;

/**
 * Doubly linked circular lists of frames; a frame is on one of them at most. The links stand beside the frame table:
 * two ints a frame, behind them the lists' heads, which are numbered as if they were frames.
 *
 * <pre>
 *   frame 1   frame 2   …   frame n-1 │ head of list 0   head of list 1 …
 *   prev next prev next     prev next │ prev next        prev next
 * </pre>
 *
 * <p>Links of 0 are those of a frame that is on no list: frame 0 never is on one. Not thread-safe.
 */
final class LruLinks {
    private static final int RECORD_SHIFT = 3;
    private static final int PREV = 0;
    private static final int NEXT = 4;

    private final NativeMemory memory;
    private final long base;
    private final long frames;

    LruLinks(long frames, int lists) {
        this.frames = frames;
        memory = NativeMemory.map(frames + lists << RECORD_SHIFT, Page.SIZE);
        base = memory.base();
        for (int list = 0; list < lists; list++) {
            int head = head(list);
            set(head, PREV, head);
            set(head, NEXT, head);
        }
    }

    private int head(int list) {
        return (int) frames + list;
    }

    private int get(int node, int side) {
        return (int) INT.get(ALL, base + ((long) node << RECORD_SHIFT) + side);
    }

    private void set(int node, int side, int other) {
        INT.set(ALL, base + ((long) node << RECORD_SHIFT) + side, other);
    }

    boolean isLinked(long pfn) {
        return get((int) pfn, PREV) != 0;
    }

    /** Puts a frame that is on no list at the head of one. */
    void addFirst(int list, long pfn) {
        insertAfter(head(list), (int) pfn);
    }

    /** Puts a frame that is on no list at the tail of one. */
    void addLast(int list, long pfn) {
        insertAfter(get(head(list), PREV), (int) pfn);
    }

    /** Puts a frame that is on no list beside one that is on one, nearer to the tail. */
    void addBehind(long neighbour, long pfn) {
        insertAfter((int) neighbour, (int) pfn);
    }

    private void insertAfter(int prev, int node) {
        int next = get(prev, NEXT);
        set(node, PREV, prev);
        set(node, NEXT, next);
        set(prev, NEXT, node);
        set(next, PREV, node);
    }

    /** Takes a frame off the list that it is on. @return false when it is on none */
    boolean remove(long pfn) {
        long address = base + (pfn << RECORD_SHIFT);
        // Not both links at once: a load of eight bytes waits until the last four-byte store to a neighbour has
        // arrived.
        int prev = (int) INT.get(ALL, address + PREV);
        if (prev == 0) {
            return false;
        }
        int next = (int) INT.get(ALL, address + NEXT);
        set(prev, NEXT, next);
        set(next, PREV, prev);
        unlinked(pfn);
        return true;
    }

    /**
     * Takes frames off that lie beside each other on a list, each nearer to the head than the one before: those that
     * came one after the other mostly go so.
     *
     * @param from the first of {@code frames} that goes, linked
     * @param to behind the last that may go
     * @return behind the last that went
     */
    int removeRun(long[] frames, int from, int to) {
        int prev = get((int) frames[from], PREV);
        int next = get((int) frames[from], NEXT);
        unlinked(frames[from]);
        int end = from + 1;
        while (end < to && frames[end] == prev) {
            prev = get(prev, PREV);
            unlinked(frames[end++]);
        }
        set(prev, NEXT, next);
        set(next, PREV, prev);
        return end;
    }

    private void unlinked(long pfn) {
        LONG.set(ALL, base + (pfn << RECORD_SHIFT), 0L);
    }

    /** The frame at the tail, which has been there longest; -1 when the list is empty. */
    long last(int list) {
        int node = get(head(list), PREV);
        return node == head(list) ? -1 : node;
    }

    /** The frame before another towards the head; -1 when there is none. */
    long before(int list, long pfn) {
        int node = get((int) pfn, PREV);
        return node == head(list) ? -1 : node;
    }

    void close() {
        memory.unmap();
    }
}
