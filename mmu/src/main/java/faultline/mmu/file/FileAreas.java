package faultline.mmu.file;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.phys.Page;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The mappings of one file: those that show a range of it in order, by that range, and those that show its pages in any
 * order.
 *
 * <p>Everything here but the count of mappings that may write is guarded by {@link #lock()}, which stands outside every
 * page-table lock (seed 003). Bounds, offset and order of a linked mapping change only between {@link #unlinkLocked}
 * and {@link #linkLocked} within one holding of it, so that whoever walks the mappings sees each of them in one place.
 */
public final class FileAreas {
    static final LockClass I_MMAP_LOCK_CLASS = new LockClass("i_mmap", LockRank.I_MMAP_LOCK);

    private final SpinLock lock = new SpinLock(I_MMAP_LOCK_CLASS);
    private final IntervalTree linear = new IntervalTree();
    private final NonlinearList nonlinear = new NonlinearList();
    /** Number of the truncation under way or last done. */
    private int truncateCount;
    /** Shared mappings that may be written; -1 once there may be none. */
    private final AtomicInteger writableMappings = new AtomicInteger();

    /** The i_mmap lock. */
    public SpinLock lock() {
        return lock;
    }

    /** The mappings that show a range in order, by page of the file (Linux: {@code i_mmap}). */
    public IntervalTree linear() {
        return linear;
    }

    /** The mappings whose pages may stand anywhere (Linux until 3.19: {@code i_mmap_nonlinear}). */
    public NonlinearList nonlinear() {
        return nonlinear;
    }

    /** Whether nobody maps the file. */
    public boolean isEmpty() {
        return linear.isEmpty() && nonlinear.isEmpty();
    }

    /** Links a mapping of this file. */
    @KernelFunction("vma_interval_tree_insert")
    public void link(MappedArea area) {
        lock.lock();
        try {
            linkLocked(area);
        } finally {
            lock.unlock();
        }
    }

    /** Unlinks a mapping of this file. */
    @KernelFunction("vma_interval_tree_remove")
    public void unlink(MappedArea area) {
        lock.lock();
        try {
            unlinkLocked(area);
        } finally {
            lock.unlock();
        }
    }

    /** As {@link #link} under the caller's lock. */
    @KernelFunction("__vma_link_file")
    @RequiresLock("I_MMAP_LOCK")
    public void linkLocked(MappedArea area) {
        long last = area.pgoff() + (area.end() - area.start() >>> Page.SHIFT) - 1;
        if (area.isNonlinear()) {
            nonlinear.add(area.sharedNode(), area.pgoff(), last);
        } else {
            linear.insert(area.sharedNode(), area.pgoff(), last);
        }
    }

    /** As {@link #unlink} under the caller's lock. */
    @KernelFunction("__remove_shared_vm_struct")
    @RequiresLock("I_MMAP_LOCK")
    public void unlinkLocked(MappedArea area) {
        if (area.sharedNode().isNonlinear()) {
            nonlinear.remove(area.sharedNode());
        } else {
            linear.remove(area.sharedNode());
        }
    }

    /**
     * The first mapping that may show one of pages {@code from} to {@code to} inclusive, nonlinear ones last; or null.
     */
    @RequiresLock("I_MMAP_LOCK")
    public IntervalNode first(long from, long to) {
        IntervalNode node = linear.firstOverlap(from, to);
        return node != null ? node : nonlinear.first();
    }

    /** The mapping after {@code node} that may show one of pages {@code from} to {@code to} inclusive, or null. */
    @RequiresLock("I_MMAP_LOCK")
    public IntervalNode next(IntervalNode node, long from, long to) {
        if (node.isNonlinear()) {
            return nonlinear.next(node);
        }
        IntervalNode next = linear.nextOverlap(node, from, to);
        return next != null ? next : nonlinear.first();
    }

    /** Begins a truncation's walk and returns its number, never 0, for the mappings already cleared to carry. */
    @RequiresLock("I_MMAP_LOCK")
    public int nextTruncateCount() {
        truncateCount = truncateCount == Integer.MAX_VALUE ? 1 : truncateCount + 1;
        return truncateCount;
    }

    // ---- how many may write

    /** One more shared mapping that may be written; false where a seal refuses it. */
    @KernelFunction("mapping_map_writable")
    public boolean mapWritable() {
        for (; ; ) {
            int n = writableMappings.get();
            if (n < 0) {
                return false;
            }
            if (writableMappings.compareAndSet(n, n + 1)) {
                return true;
            }
        }
    }

    /** A shared writable mapping went. */
    @KernelFunction("mapping_unmap_writable")
    public void unmapWritable() {
        writableMappings.decrementAndGet();
    }

    /** Refuses shared writable mappings from now on; false if there is one (EBUSY). */
    @KernelFunction("mapping_deny_writable")
    public boolean denyWritable() {
        return writableMappings.compareAndSet(0, -1) || writableMappings.get() < 0;
    }
}
