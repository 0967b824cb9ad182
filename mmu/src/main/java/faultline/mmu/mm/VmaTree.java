package faultline.mmu.mm;

/**
 * The mappings of one address space by address: a height-balanced tree threaded through the mappings themselves, with
 * the largest gap below any mapping of each subtree, so that finding a mapping and finding room are both O(log n).
 *
 * <p>Mappings never overlap. The gap of a mapping is the room between its predecessor's end (0 for the first) and its
 * start. Nothing is allocated by any operation. Guarded by the mmap lock: shared to read, alone to change.
 */
public final class VmaTree {
    private Vma root;
    private Vma first;
    private Vma last;
    private int size;
    /** The mapping found last: racing readers may store different ones, each right at its time. */
    private Vma cached;

    /** Number of mappings (Linux: {@code mm->map_count}). */
    public int size() {
        return size;
    }

    /** The mapping with the lowest addresses, or null. */
    public Vma first() {
        return first;
    }

    /** The mapping with the highest addresses, or null. */
    public Vma last() {
        return last;
    }

    /**
     * The first mapping that ends above {@code addr}, or null: the one that holds {@code addr}, or the next (find_vma).
     */
    public Vma find(long addr) {
        Vma hit = cached;
        if (hit != null && addr < hit.end() && addr >= hit.start()) {
            return hit;
        }
        Vma found = null;
        Vma n = root;
        while (n != null) {
            if (Long.compareUnsigned(addr, n.end()) < 0) {
                found = n;
                if (addr >= n.start()) {
                    break;
                }
                n = n.left;
            } else {
                n = n.right;
            }
        }
        if (found != null && addr >= found.start()) {
            cached = found;
        }
        return found;
    }

    /** The mapping that holds {@code addr}, or null (vma_lookup). */
    public Vma lookup(long addr) {
        Vma v = find(addr);
        return v != null && v.start() <= addr ? v : null;
    }

    /** The first mapping that overlaps [{@code start}, {@code end}), or null (find_vma_intersection). */
    public Vma intersection(long start, long end) {
        Vma v = find(start);
        return v != null && v.start() < end ? v : null;
    }

    /** Links a mapping. @throws IllegalStateException when it overlaps another or is linked already */
    public void insert(Vma v) {
        if (v.linked) {
            throw new IllegalStateException(v + " is linked already");
        }
        Vma after = find(v.start());
        Vma before = after == null ? last : after.prev;
        if (after != null && after.start() < v.end() || before != null && before.end() > v.start()) {
            throw new IllegalStateException(v + " overlaps another mapping");
        }
        v.left = null;
        v.right = null;
        v.height = 1;
        v.prev = before;
        v.next = after;
        if (before == null) {
            first = v;
        } else {
            before.next = v;
        }
        if (after == null) {
            last = v;
        } else {
            after.prev = v;
        }
        // The new leaf hangs right of its predecessor or left of its successor, whichever has the place free.
        if (root == null) {
            v.parent = null;
            root = v;
        } else if (before != null && before.right == null) {
            before.right = v;
            v.parent = before;
        } else {
            after.left = v;
            v.parent = after;
        }
        v.linked = true;
        size++;
        v.maxGap = gap(v);
        if (after != null) {
            updateGaps(after);
        }
        rebalance(v.parent);
    }

    /** Unlinks a mapping. @throws IllegalStateException when it is not linked */
    public void remove(Vma v) {
        if (!v.linked) {
            throw new IllegalStateException(v + " is not linked");
        }
        if (cached == v) {
            cached = null;
        }
        Vma after = v.next;
        if (v.prev == null) {
            first = after;
        } else {
            v.prev.next = after;
        }
        if (after == null) {
            last = v.prev;
        } else {
            after.prev = v.prev;
        }
        Vma from;
        if (v.left == null || v.right == null) {
            from = v.parent;
            replace(v, v.left != null ? v.left : v.right);
        } else {
            // after is the leftmost of the right subtree: it has no left child and takes the place of v.
            from = after.parent == v ? after : after.parent;
            if (after.parent != v) {
                replace(after, after.right);
                after.right = v.right;
                after.right.parent = after;
            }
            replace(v, after);
            after.left = v.left;
            after.left.parent = after;
        }
        v.linked = false;
        v.left = null;
        v.right = null;
        v.parent = null;
        v.prev = null;
        v.next = null;
        size--;
        rebalance(from);
        if (after != null) {
            updateGaps(after);
        }
    }

    /**
     * Changes the bounds and the offset of a mapping; a linked one must still lie between its neighbours. Order matters
     * where two neighbours change: shrink first, then grow.
     */
    public void setBounds(Vma v, long start, long end, long pgoff) {
        if (v.linked && (v.prev != null && v.prev.end() > start || v.next != null && v.next.start() < end)) {
            throw new IllegalStateException(
                    v + " would overlap a neighbour at " + Long.toHexString(start) + "-" + Long.toHexString(end));
        }
        boolean moved = v.start() != start;
        boolean ended = v.end() != end;
        v.setRange(start, end, pgoff);
        if (v.linked) {
            if (moved) {
                updateGaps(v);
            }
            if (ended && v.next != null) {
                updateGaps(v.next);
            }
        }
    }

    /**
     * The highest place for {@code length} bytes inside [{@code low}, {@code high}).
     *
     * @return its start, or -1
     */
    public long highestGap(long length, long low, long high) {
        long gapStart = last == null ? low : Math.max(last.end(), low);
        if (high - gapStart >= length) {
            return high - length;
        }
        return highestGap(root, length, low, high);
    }

    private static long highestGap(Vma n, long length, long low, long high) {
        while (n != null && n.maxGap >= length) {
            if (n.right != null && n.end() < high) {
                long found = highestGap(n.right, length, low, high);
                if (found >= 0) {
                    return found;
                }
            }
            long gapStart = n.prev == null ? 0 : n.prev.end();
            long start = Math.max(gapStart, low);
            long end = Math.min(n.start(), high);
            if (end - start >= length) {
                return end - length;
            }
            if (gapStart <= low) {
                return -1;
            }
            n = n.left;
        }
        return -1;
    }

    /**
     * The lowest place for {@code length} bytes inside [{@code low}, {@code high}).
     *
     * @return its start, or -1
     */
    public long lowestGap(long length, long low, long high) {
        long found = lowestGap(root, length, low, high);
        if (found >= 0) {
            return found;
        }
        long gapStart = last == null ? low : Math.max(last.end(), low);
        return high - gapStart >= length ? gapStart : -1;
    }

    private static long lowestGap(Vma n, long length, long low, long high) {
        while (n != null && n.maxGap >= length) {
            if (n.left != null && n.start() > low) {
                long found = lowestGap(n.left, length, low, high);
                if (found >= 0) {
                    return found;
                }
            }
            long start = Math.max(n.prev == null ? 0 : n.prev.end(), low);
            long end = Math.min(n.start(), high);
            if (end - start >= length) {
                return start;
            }
            if (n.end() >= high) {
                return -1;
            }
            n = n.right;
        }
        return -1;
    }

    private static long gap(Vma v) {
        return v.start() - (v.prev == null ? 0 : v.prev.end());
    }

    private static int height(Vma v) {
        return v == null ? 0 : v.height;
    }

    /** Computes height and gap of {@code v} from its children. */
    private static void update(Vma v) {
        int left = height(v.left);
        int right = height(v.right);
        v.height = (left > right ? left : right) + 1;
        v.maxGap = maxGap(v);
    }

    private static long maxGap(Vma v) {
        long max = gap(v);
        if (v.left != null && v.left.maxGap > max) {
            max = v.left.maxGap;
        }
        if (v.right != null && v.right.maxGap > max) {
            max = v.right.maxGap;
        }
        return max;
    }

    /** The gap of {@code v} changed: carry it up until nothing changes any more. */
    private static void updateGaps(Vma v) {
        for (Vma n = v; n != null; n = n.parent) {
            long max = maxGap(n);
            if (n.maxGap == max && n != v) {
                return;
            }
            n.maxGap = max;
        }
    }

    /** Puts {@code child} (may be null) where {@code v} hangs. */
    private void replace(Vma v, Vma child) {
        Vma parent = v.parent;
        if (parent == null) {
            root = child;
        } else if (parent.left == v) {
            parent.left = child;
        } else {
            parent.right = child;
        }
        if (child != null) {
            child.parent = parent;
        }
    }

    private void rebalance(Vma from) {
        for (Vma n = from; n != null; n = n.parent) {
            int balance = height(n.left) - height(n.right);
            if (balance > 1) {
                if (height(n.left.left) < height(n.left.right)) {
                    rotateLeft(n.left);
                }
                n = rotateRight(n);
            } else if (balance < -1) {
                if (height(n.right.right) < height(n.right.left)) {
                    rotateRight(n.right);
                }
                n = rotateLeft(n);
            } else {
                update(n);
            }
        }
    }

    private Vma rotateLeft(Vma n) {
        Vma up = n.right;
        replace(n, up);
        n.right = up.left;
        if (n.right != null) {
            n.right.parent = n;
        }
        up.left = n;
        n.parent = up;
        update(n);
        update(up);
        return up;
    }

    private Vma rotateRight(Vma n) {
        Vma up = n.left;
        replace(n, up);
        n.left = up.right;
        if (n.left != null) {
            n.left.parent = n;
        }
        up.right = n;
        n.parent = up;
        update(n);
        update(up);
        return up;
    }

    /**
     * Checks order, balance, threads and gaps.
     *
     * @return what is wrong, or null
     */
    public String check() {
        int counted = 0;
        Vma before = null;
        for (Vma v = first; v != null; v = v.next) {
            if (v.prev != before || !v.linked || v.start() >= v.end() || before != null && before.end() > v.start()) {
                return "mapping " + v + " is out of order behind " + before;
            }
            int left = height(v.left);
            int right = height(v.right);
            if (Math.abs(left - right) > 1 || v.height != Math.max(left, right) + 1 || v.maxGap != maxGap(v)) {
                return "tree node of " + v + " is not balanced or has a wrong gap";
            }
            if (v.parent == null ? root != v : v.parent.left != v && v.parent.right != v) {
                return "tree node of " + v + " is not a child of its parent";
            }
            before = v;
            counted++;
        }
        return before == last && counted == size ? null : counted + " mappings threaded, " + size + " counted";
    }
}
