package faultline.mmu.hugetlb;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import java.util.Map;
import java.util.TreeMap;

/**
 * The places of a file for which a huge page is reserved and not yet taken, as ranges that do not touch each other.
 *
 * <p>Where Linux notes for a file what was ever reserved, and for a private mapping what has been taken, this is in
 * both cases what is outstanding: all maps of a machine together make the pool's count of reserved pages.
 *
 * <p>Numbers are of huge pages: page index divided by a page's frames.
 */
@KernelFunction("resv_map")
public final class ReserveMap {
    private final TreeMap<Long, Long> ranges = new TreeMap<>();
    private long count;

    /** Pages reserved. */
    public long count() {
        return count;
    }

    @RequiresLock("HUGETLB_LOCK")
    boolean contains(long number) {
        Map.Entry<Long, Long> range = ranges.floorEntry(number);
        return range != null && range.getValue() > number;
    }

    /** Reserves one place, which is not. */
    @RequiresLock("HUGETLB_LOCK")
    void add(long number) {
        add(number, number + 1);
    }

    /** Reserves [{@code from}, {@code to}), of which nothing is reserved. */
    @KernelFunction(value = "region_add", file = "mm/hugetlb.c")
    @RequiresLock("HUGETLB_LOCK")
    void add(long from, long to) {
        if (to <= from) {
            return;
        }
        long start = from;
        long end = to;
        Map.Entry<Long, Long> before = ranges.floorEntry(from);
        if (before != null && before.getValue() == from) {
            start = before.getKey();
        }
        Long behind = ranges.remove(to);
        if (behind != null) {
            end = behind;
        }
        ranges.put(start, end);
        count += to - from;
    }

    /** Gives up what is reserved of [{@code from}, {@code to}). @return how many places that were */
    @KernelFunction(value = "region_del", file = "mm/hugetlb.c")
    @RequiresLock("HUGETLB_LOCK")
    long remove(long from, long to) {
        Map.Entry<Long, Long> before = ranges.lowerEntry(from);
        if (before != null && before.getValue() > from) {
            ranges.put(before.getKey(), from);
            ranges.put(from, before.getValue());
        }
        long removed = 0;
        Map.Entry<Long, Long> range = ranges.ceilingEntry(from);
        while (range != null && range.getKey() < to) {
            ranges.remove(range.getKey());
            long end = Math.min(range.getValue(), to);
            if (range.getValue() > to) {
                ranges.put(to, range.getValue());
            }
            removed += end - range.getKey();
            range = ranges.ceilingEntry(end);
        }
        count -= removed;
        return removed;
    }
}
