package faultline.mmu.kernel;

import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.phys.Page;
import faultline.mmu.tlb.AddressSpaceTlb;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which kernel addresses are in use.
 *
 * <p>An address range that is given back is not used again before the processors have forgotten its translations.
 * Flushing for each would be dear: ranges are put by, unmapped, and flushed together once {@link #LAZY_PAGES} have
 * gathered, or when addresses run out.
 *
 * <pre>
 *   free ──take──▶ in use ──give──▶ put by ──purge: flush, then──▶ free
 * </pre>
 */
final class VmapAreas {
    /** Pages put by before they are flushed (lazy_max_pages: 32 MiB). */
    static final long LAZY_PAGES = 8192;

    private static final LockClass LOCK_CLASS = new LockClass("vmap_area", LockRank.VMAP_AREA_LOCK);

    private final SpinLock lock = new SpinLock(LOCK_CLASS);

    /** Length by start; neighbours are merged. Guarded by {@link #lock}. */
    private final TreeMap<Long, Long> free = new TreeMap<>();

    /** Guarded by {@link #lock}. */
    private final TreeMap<Long, VmArea> used = new TreeMap<>();

    /** Guarded by {@link #lock}. */
    private List<VmArea> lazy = new ArrayList<>();

    private long lazyPages;

    VmapAreas(long start, long end) {
        free.put(start, end - start);
    }

    /**
     * Takes the lowest free range that is large enough.
     *
     * @param size bytes, a positive multiple of the page size; a guard page is added
     * @param align power of two, at least the page size
     * @return null when the addresses are used up
     */
    @KernelFunction("alloc_vmap_area")
    @Injectable(value = "mm/alloc_vmap_area", mayWait = true)
    VmArea take(long size, long align, VmArea.Kind kind, AddressSpaceTlb tlb) {
        VmArea area = tryTake(size, align, kind);
        if (area == null && purge(tlb)) {
            area = tryTake(size, align, kind);
        }
        return area;
    }

    private VmArea tryTake(long size, long align, VmArea.Kind kind) {
        lock.lock();
        try {
            for (Map.Entry<Long, Long> range : free.entrySet()) {
                long start = range.getKey() + align - 1 & -align;
                long end = range.getKey() + range.getValue();
                if (start >= range.getKey() && end - start >= size + Page.SIZE) {
                    VmArea area = new VmArea(start, size, kind);
                    cut(range.getKey(), end, start, area.endWithGuard());
                    used.put(start, area);
                    return area;
                }
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    private void cut(long rangeStart, long rangeEnd, long start, long end) {
        free.remove(rangeStart);
        if (start > rangeStart) {
            free.put(rangeStart, start - rangeStart);
        }
        if (rangeEnd > end) {
            free.put(end, rangeEnd - end);
        }
    }

    /** The area that starts at an address, null for none. */
    @KernelFunction("find_vm_area")
    VmArea find(long start) {
        lock.lock();
        try {
            return used.get(start);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes an area out of use, still mapped; nobody else can do so a second time. @return null when none starts there
     */
    VmArea remove(long start) {
        lock.lock();
        try {
            return used.remove(start);
        } finally {
            lock.unlock();
        }
    }

    /** Puts a removed area by, its entries cleared by now. @return whether enough has gathered to {@link #purge} */
    @KernelFunction("free_vmap_area_noflush")
    boolean putBy(VmArea area) {
        lock.lock();
        try {
            lazy.add(area);
            lazyPages += (area.endWithGuard() - area.start()) >>> Page.SHIFT;
            return lazyPages >= LAZY_PAGES;
        } finally {
            lock.unlock();
        }
    }

    /** Flushes all ranges put by, and makes them free. @return whether there were any */
    @KernelFunction("__purge_vmap_area_lazy")
    boolean purge(AddressSpaceTlb tlb) {
        lock.lock();
        List<VmArea> mine = lazy;
        lazy = new ArrayList<>();
        lazyPages = 0;
        lock.unlock();
        if (mine.isEmpty()) {
            return false;
        }
        long start = mine.stream().mapToLong(VmArea::start).min().getAsLong();
        long end = mine.stream().mapToLong(VmArea::end).max().getAsLong();
        tlb.flushRange(start, end);
        lock.lock();
        mine.forEach(area -> release(area.start(), area.endWithGuard() - area.start()));
        lock.unlock();
        return true;
    }

    private void release(long start, long length) {
        long from = start;
        long to = start + length;
        Map.Entry<Long, Long> before = free.lowerEntry(start);
        if (before != null && before.getKey() + before.getValue() == start) {
            from = before.getKey();
        }
        Long after = free.remove(to);
        if (after != null) {
            to += after;
        }
        free.put(from, to - from);
    }

    /** The areas in use, by address (/proc/vmallocinfo). */
    List<VmArea> areas() {
        lock.lock();
        try {
            return new ArrayList<>(used.values());
        } finally {
            lock.unlock();
        }
    }

    /** How many separate free ranges there are; 1 when all is free. */
    int freeRanges() {
        lock.lock();
        try {
            return free.size();
        } finally {
            lock.unlock();
        }
    }
}
