package faultline.mmu.rmap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.IntervalTree;
import faultline.mmu.file.MappedArea;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.phys.Page;

/**
 * The areas in which an anonymous page may be mapped: the area that first faulted it in, the parts it was split into,
 * and what fork made of them.
 *
 * <p>As in Linux 2.6.7 to 2.6.33: a family of areas shares one object, and a page that carries it as its
 * {@code mapping} is looked for in every area of the family whose page offsets cover the page's index. Areas join when
 * they first fault, are split, or are copied by fork; they leave when unmapped. Pages hold no reference: while a page
 * is mapped, an area that maps it is linked.
 *
 * <p>Bounds and page offsets of linked areas change only under {@link #lock()}, with unlinking before and linking
 * after.
 */
@KernelFunction("anon_vma")
public final class AnonVma {
    /** Between the i_mmap lock and the page-table locks. */
    public static final LockClass LOCK_CLASS = new LockClass("anon_vma", LockRank.ANON_VMA_LOCK);

    private final SpinLock lock = new SpinLock(LOCK_CLASS);
    private final IntervalTree areas = new IntervalTree();

    /** The lock of the family. */
    public SpinLock lock() {
        return lock;
    }

    /** The areas of the family by page offset; guarded by {@link #lock()}. */
    public IntervalTree areas() {
        return areas;
    }

    /** Links {@code area} into the family. */
    @KernelFunction("anon_vma_link")
    public void link(MappedArea area) {
        lock.lock();
        try {
            linkLocked(area);
        } finally {
            lock.unlock();
        }
    }

    /** Unlinks {@code area} from the family. */
    @KernelFunction("anon_vma_unlink")
    public void unlink(MappedArea area) {
        lock.lock();
        try {
            unlinkLocked(area);
        } finally {
            lock.unlock();
        }
    }

    /** As {@link #link} under the caller's lock: to change bounds, unlink, change, link within one holding. */
    @RequiresLock("ANON_VMA_LOCK")
    public void linkLocked(MappedArea area) {
        long pages = area.end() - area.start() >>> Page.SHIFT;
        areas.insert(area.anonNode(), area.pgoff(), area.pgoff() + pages - 1);
    }

    /** As {@link #unlink} under the caller's lock. */
    @RequiresLock("ANON_VMA_LOCK")
    public void unlinkLocked(MappedArea area) {
        areas.remove(area.anonNode());
    }
}
