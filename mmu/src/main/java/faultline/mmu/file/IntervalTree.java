package faultline.mmu.file;

/**
 * Mappings by the range of pages they show: finds all that overlap a range in O(log n + found).
 *
 * <p>Linux keeps a file's mappings in a priority search tree in the 2.6 series and in an augmented red-black tree since
 * 3.7; this is a treap ordered by first page and augmented with the largest last page of each subtree, which answers
 * the same question. Ranges may repeat. Nothing is allocated by any operation.
 *
 * <p>No locking of its own: the owner's lock guards every call.
 */
public final class IntervalTree {
    private IntervalNode root;
    private int size;
    private long seed = 0x9e3779b97f4a7c15L;

    /** Number of linked mappings. */
    public int size() {
        return size;
    }

    /** Whether no mapping is linked. */
    public boolean isEmpty() {
        return root == null;
    }

    /**
     * Links {@code node} as covering pages {@code first} to {@code last} inclusive.
     *
     * @throws IllegalStateException if the node is linked already
     */
    public void insert(IntervalNode node, long first, long last) {
        if (node.linked) {
            throw new IllegalStateException("interval node is linked already");
        }
        node.first = first;
        node.last = last;
        node.maxLast = last;
        node.left = null;
        node.right = null;
        node.parent = null;
        node.priority = nextPriority();
        node.linked = true;
        size++;
        attachLeaf(node);
        while (node.parent != null && node.parent.priority < node.priority) {
            rotateUp(node);
        }
    }

    /**
     * Unlinks {@code node}.
     *
     * @throws IllegalStateException if the node is not linked
     */
    public void remove(IntervalNode node) {
        if (!node.linked) {
            throw new IllegalStateException("interval node is not linked");
        }
        while (node.left != null || node.right != null) {
            rotateUp(heavierChild(node));
        }
        IntervalNode parent = node.parent;
        if (parent == null) {
            root = null;
        } else if (parent.left == node) {
            parent.left = null;
        } else {
            parent.right = null;
        }
        node.parent = null;
        node.linked = false;
        size--;
        for (IntervalNode n = parent; n != null; n = n.parent) {
            n.maxLast = subtreeMax(n);
        }
    }

    /** The first mapping in tree order that overlaps pages {@code first} to {@code last} inclusive, or null. */
    public IntervalNode firstOverlap(long first, long last) {
        return leftmostOverlap(root, first, last);
    }

    /** The mapping after {@code node} in tree order that overlaps the range, or null. */
    public IntervalNode nextOverlap(IntervalNode node, long first, long last) {
        IntervalNode found = leftmostOverlap(node.right, first, last);
        if (found != null) {
            return found;
        }
        IntervalNode child = node;
        for (IntervalNode n = node.parent; n != null; child = n, n = n.parent) {
            if (n.left != child) {
                continue;
            }
            if (n.first > last) {
                return null;
            }
            if (n.last >= first) {
                return n;
            }
            found = leftmostOverlap(n.right, first, last);
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    private static IntervalNode leftmostOverlap(IntervalNode top, long first, long last) {
        IntervalNode n = top;
        while (n != null && n.maxLast >= first) {
            if (n.left != null && n.left.maxLast >= first) {
                // The left subtree reaches the range. If its reaching node starts behind the range, so does all else.
                n = n.left;
            } else if (n.first > last) {
                return null;
            } else if (n.last >= first) {
                return n;
            } else {
                n = n.right;
            }
        }
        return null;
    }

    private void attachLeaf(IntervalNode node) {
        IntervalNode parent = null;
        IntervalNode n = root;
        while (n != null) {
            parent = n;
            if (n.maxLast < node.last) {
                n.maxLast = node.last;
            }
            n = node.first < n.first ? n.left : n.right;
        }
        node.parent = parent;
        if (parent == null) {
            root = node;
        } else if (node.first < parent.first) {
            parent.left = node;
        } else {
            parent.right = node;
        }
    }

    private void rotateUp(IntervalNode node) {
        IntervalNode parent = node.parent;
        IntervalNode grand = parent.parent;
        if (parent.left == node) {
            parent.left = node.right;
            if (node.right != null) {
                node.right.parent = parent;
            }
            node.right = parent;
        } else {
            parent.right = node.left;
            if (node.left != null) {
                node.left.parent = parent;
            }
            node.left = parent;
        }
        parent.parent = node;
        node.parent = grand;
        if (grand == null) {
            root = node;
        } else if (grand.left == parent) {
            grand.left = node;
        } else {
            grand.right = node;
        }
        parent.maxLast = subtreeMax(parent);
        node.maxLast = subtreeMax(node);
    }

    private static IntervalNode heavierChild(IntervalNode node) {
        if (node.left == null) {
            return node.right;
        }
        if (node.right == null) {
            return node.left;
        }
        return node.left.priority > node.right.priority ? node.left : node.right;
    }

    private static long subtreeMax(IntervalNode n) {
        long max = n.last;
        if (n.left != null && n.left.maxLast > max) {
            max = n.left.maxLast;
        }
        if (n.right != null && n.right.maxLast > max) {
            max = n.right.maxLast;
        }
        return max;
    }

    private long nextPriority() {
        seed ^= seed << 13;
        seed ^= seed >>> 7;
        seed ^= seed << 17;
        return seed;
    }
}
