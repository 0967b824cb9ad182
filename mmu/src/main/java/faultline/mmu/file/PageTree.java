package faultline.mmu.file;

/**
 * Frame numbers by page index, with one mark a page for "to be written back" (Linux: the xarray of an address space
 * with {@code PAGECACHE_TAG_DIRTY}).
 *
 * <p>A radix tree of 64-way nodes that grows in height with the largest index seen. Looking up allocates nothing. No
 * locking of its own: the owner's i_pages lock guards every call.
 */
final class PageTree {
    private static final int SHIFT = 6;
    private static final int WIDTH = 1 << SHIFT;
    private static final int LOW = WIDTH - 1;
    private static final long NONE = -1;

    private static final class Node {
        /** Inner nodes: the children. Null in a leaf. */
        final Node[] children;
        /** Leaves: frame number + 1, so that a fresh leaf is empty; swap slot, negated. Null in an inner node. */
        final long[] frames;
        /** Leaves: which pages are dirty. */
        long dirty;
        /** Children or frames present. */
        int used;

        Node(boolean leaf) {
            children = leaf ? null : new Node[WIDTH];
            frames = leaf ? new long[WIDTH] : null;
        }
    }

    private Node root = new Node(true);
    /** Levels above the leaves. */
    private int height;

    private long count;
    private long swapped;
    private long dirtyCount;

    /** Pages present. */
    long count() {
        return count;
    }

    /** Pages that are in swap. */
    long swapped() {
        return swapped;
    }

    /** Pages marked dirty. */
    long dirtyCount() {
        return dirtyCount;
    }

    /** The frame of page {@code index}, or -1. */
    long get(long index) {
        Node leaf = leaf(index);
        return leaf == null ? NONE : Math.max(NONE, leaf.frames[(int) index & LOW] - 1);
    }

    /** The swap slot of page {@code index}, or 0. */
    long swapSlot(long index) {
        Node leaf = leaf(index);
        return leaf == null ? 0 : Math.max(0, -leaf.frames[(int) index & LOW]);
    }

    /** Page {@code index}, which is present, is in swap from now on. */
    void swapOut(long index, long slot) {
        clearDirty(index);
        leaf(index).frames[(int) index & LOW] = -slot;
        count--;
        swapped++;
    }

    /** Page {@code index}, which is in swap, is in frame {@code pfn} from now on. */
    void swapIn(long index, long pfn) {
        leaf(index).frames[(int) index & LOW] = pfn + 1;
        count++;
        swapped--;
    }

    /** Enters {@code pfn} as page {@code index}, which must be absent. */
    void put(long index, long pfn) {
        while (index >>> shiftOf(height) >>> SHIFT != 0) {
            grow();
        }
        Node n = root;
        for (int level = height; level > 0; level--) {
            int slot = (int) (index >>> shiftOf(level)) & LOW;
            Node child = n.children[slot];
            if (child == null) {
                child = new Node(level == 1);
                n.children[slot] = child;
                n.used++;
            }
            n = child;
        }
        int slot = (int) index & LOW;
        if (n.frames[slot] != 0) {
            throw new IllegalStateException("page " + index + " is in the cache already");
        }
        n.frames[slot] = pfn + 1;
        n.used++;
        count++;
    }

    /** Takes page {@code index} out and returns its frame, or -1 if absent or in swap: then its slot is forgotten. */
    long remove(long index) {
        Node leaf = leaf(index);
        int slot = (int) index & LOW;
        if (leaf == null || leaf.frames[slot] == 0) {
            return NONE;
        }
        long pfn = Math.max(NONE, leaf.frames[slot] - 1);
        if (pfn >= 0) {
            count--;
        } else {
            swapped--;
        }
        leaf.frames[slot] = 0;
        leaf.used--;
        if ((leaf.dirty & 1L << slot) != 0) {
            leaf.dirty &= ~(1L << slot);
            dirtyCount--;
        }
        if (leaf.used == 0) {
            prune(index);
        }
        return pfn;
    }

    /** Marks the present page {@code index}; returns whether it was clean. */
    boolean setDirty(long index) {
        Node leaf = leaf(index);
        int slot = (int) index & LOW;
        if (leaf == null || leaf.frames[slot] == 0 || (leaf.dirty & 1L << slot) != 0) {
            return false;
        }
        leaf.dirty |= 1L << slot;
        dirtyCount++;
        return true;
    }

    /** Clears the mark of page {@code index}; returns whether it was set. */
    boolean clearDirty(long index) {
        Node leaf = leaf(index);
        int slot = (int) index & LOW;
        if (leaf == null || (leaf.dirty & 1L << slot) == 0) {
            return false;
        }
        leaf.dirty &= ~(1L << slot);
        dirtyCount--;
        return true;
    }

    /** The smallest index that is present or in swap, from {@code from} to {@code last} inclusive, or -1. */
    long next(long from, long last) {
        return seek(root, height, 0, from, last, false);
    }

    /** The smallest dirty index from {@code from} to {@code last} inclusive, or -1. */
    long nextDirty(long from, long last) {
        return dirtyCount == 0 ? NONE : seek(root, height, 0, from, last, true);
    }

    private static long seek(Node n, int level, long base, long from, long last, boolean dirty) {
        long span = 1L << shiftOf(level);
        int slot = from <= base ? 0 : (int) Math.min(WIDTH, (from - base) >>> shiftOf(level));
        for (; slot < WIDTH; slot++) {
            long at = base + slot * span;
            if (at > last) {
                return NONE;
            }
            if (level == 0) {
                if (dirty ? (n.dirty & 1L << slot) != 0 : n.frames[slot] != 0) {
                    return at;
                }
            } else if (n.children[slot] != null) {
                long found = seek(n.children[slot], level - 1, at, from, last, dirty);
                if (found != NONE) {
                    return found;
                }
            }
        }
        return NONE;
    }

    private Node leaf(long index) {
        if (index >>> shiftOf(height) >>> SHIFT != 0) {
            return null;
        }
        Node n = root;
        for (int level = height; level > 0 && n != null; level--) {
            n = n.children[(int) (index >>> shiftOf(level)) & LOW];
        }
        return n;
    }

    private void grow() {
        Node top = new Node(false);
        if (root.used != 0) {
            top.children[0] = root;
            top.used = 1;
        }
        root = top;
        height++;
    }

    /** Drops the empty leaf of {@code index} and what becomes empty above it. */
    private void prune(long index) {
        if (height > 0 && pruneBelow(root, height, index)) {
            root = new Node(true);
            height = 0;
        }
    }

    private static boolean pruneBelow(Node n, int level, long index) {
        int slot = (int) (index >>> shiftOf(level)) & LOW;
        Node child = n.children[slot];
        if (level == 1 ? child.used == 0 : pruneBelow(child, level - 1, index)) {
            n.children[slot] = null;
            n.used--;
        }
        return n.used == 0;
    }

    private static int shiftOf(int level) {
        return level * SHIFT;
    }
}
