package faultline.mmu.file;

/**
 * The place of one mapping in an {@link IntervalTree}: an inclusive range of page indexes and the mapping it stands
 * for; or its place in the {@link NonlinearList} of a file.
 *
 * <p>Intrusive, so that linking a mapping allocates nothing: each mapping owns the nodes it can be linked by. A node is
 * in at most one tree at a time. All fields are guarded by the lock of the tree's owner (the i_mmap lock of an
 * {@link AddressSpace}, the lock of an anonymous reverse map).
 */
public final class IntervalNode {
    /** The mapping this node stands for; fixed for life. */
    private final MappedArea area;

    IntervalNode left;
    IntervalNode right;
    IntervalNode parent;
    /** First and last page index covered, inclusive, as they were when the node was linked. */
    long first;

    long last;
    /** Largest {@link #last} in the subtree of this node. */
    long maxLast;
    /** Heap order of the treap; drawn at insertion. */
    long priority;

    boolean linked;
    /** Whether it is in a {@link NonlinearList}, linked there by {@link #left} and {@link #right}. */
    boolean nonlinear;

    private long cursor;
    /**
     * Value of the address space's truncation counter up to which this mapping has been cleared (Linux until 2.6.38:
     * {@code vm_truncate_count}): an interrupted walk over a file's mappings skips those that carry its own number.
     */
    private int truncateCount;

    /** A node for {@code area}, not linked anywhere. */
    public IntervalNode(MappedArea area) {
        this.area = area;
    }

    /** The mapping this node stands for. */
    public MappedArea area() {
        return area;
    }

    /** Whether the node is in a tree or list. */
    public boolean isLinked() {
        return linked;
    }

    /** Whether the node is in a list of nonlinear mappings. */
    public boolean isNonlinear() {
        return nonlinear;
    }

    /**
     * How far reclaim has looked through this nonlinear mapping, in bytes from its start: the next one goes on there
     * (Linux until 3.19: {@code vm_private_data}).
     */
    public long cursor() {
        return cursor;
    }

    /** Records how far reclaim has looked; the caller holds the i_mmap lock. */
    public void setCursor(long bytes) {
        cursor = bytes;
    }

    /** First page index of the linked range. */
    public long first() {
        return first;
    }

    /** Last page index of the linked range, inclusive. */
    public long last() {
        return last;
    }

    /** Truncation number up to which the mapping is cleared; 0: none. */
    public int truncateCount() {
        return truncateCount;
    }

    /** Records that the mapping is cleared up to truncation {@code count}; the caller holds the i_mmap lock. */
    public void setTruncateCount(int count) {
        truncateCount = count;
    }
}
