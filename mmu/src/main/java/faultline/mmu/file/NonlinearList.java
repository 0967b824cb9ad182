package faultline.mmu.file;

/**
 * The nonlinear mappings of a file: remap_file_pages(2) has let their pages stand in any order, so no range of the file
 * says which of them shows a page, and whoever looks for one has to look through them all.
 *
 * <p>In the order in which they were linked: a forked child's mapping stands behind its parent's, so that a walk that
 * passes while fork copies entries meets them in the parent, in the child, or in both. Nothing is allocated by any
 * operation.
 *
 * <p>No locking of its own: the owner's lock guards every call.
 */
public final class NonlinearList {
    private IntervalNode first;
    private IntervalNode last;

    /** Whether no mapping is linked. */
    public boolean isEmpty() {
        return first == null;
    }

    /** The mapping linked first, or null. */
    public IntervalNode first() {
        return first;
    }

    /** The mapping linked after {@code node}, or null. */
    public IntervalNode next(IntervalNode node) {
        return node.right;
    }

    /**
     * Links {@code node} as the last; its range is noted, though not looked for by.
     *
     * @throws IllegalStateException if the node is linked already
     */
    void add(IntervalNode node, long firstPage, long lastPage) {
        if (node.linked) {
            throw new IllegalStateException("interval node is linked already");
        }
        node.first = firstPage;
        node.last = lastPage;
        node.left = last;
        node.right = null;
        node.linked = true;
        node.nonlinear = true;
        if (last == null) {
            first = node;
        } else {
            last.right = node;
        }
        last = node;
    }

    /** Unlinks {@code node}, which is in this list. */
    void remove(IntervalNode node) {
        if (node.left == null) {
            first = node.right;
        } else {
            node.left.right = node.right;
        }
        if (node.right == null) {
            last = node.left;
        } else {
            node.right.left = node.left;
        }
        node.left = null;
        node.right = null;
        node.linked = false;
        node.nonlinear = false;
    }
}
