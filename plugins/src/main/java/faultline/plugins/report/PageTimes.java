package faultline.plugins.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Which pages were touched when: the data of the heat map. */
final class PageTimes {
    private static final int ROWS = 64;
    private static final int COLUMNS = 160;
    private static final int MAX_REGIONS = 12;
    /** Pages of untouched address space that part two regions: 64 MiB. */
    private static final long GAP = 1 << 14;

    private long[] pages = new long[1024];
    private long[] times = new long[1024];
    private int size;

    void add(long page, long time) {
        if (size == pages.length) {
            pages = Arrays.copyOf(pages, 2 * size);
            times = Arrays.copyOf(times, 2 * size);
        }
        pages[size] = page;
        times[size++] = time;
    }

    long time(int index) {
        return times[index];
    }

    /** The hottest stretches of address space, each as a grid of address by time, the lowest addresses first. */
    List<Map<String, Object>> regions(long end) {
        long[] sorted = Arrays.copyOf(pages, size);
        Arrays.sort(sorted);
        var ranges = new ArrayList<long[]>();
        for (int i = 0; i < size; i++) {
            long[] last = ranges.isEmpty() ? null : ranges.getLast();
            if (last != null && sorted[i] - last[1] <= GAP) {
                last[1] = sorted[i];
                last[2]++;
            } else {
                ranges.add(new long[] {sorted[i], sorted[i], 1});
            }
        }
        return ranges.stream()
                .sorted(Comparator.comparingLong(range -> -range[2]))
                .limit(MAX_REGIONS)
                .sorted(Comparator.comparingLong(range -> range[0]))
                .map(range -> region(range, end))
                .toList();
    }

    private Map<String, Object> region(long[] range, long end) {
        long rowPages = Math.ceilDiv(range[1] - range[0] + 1, ROWS);
        int rows = (int) Math.ceilDiv(range[1] - range[0] + 1, rowPages);
        var grid = new int[rows][COLUMNS];
        for (int i = 0; i < size; i++) {
            if (pages[i] >= range[0] && pages[i] <= range[1]) {
                grid[(int) ((pages[i] - range[0]) / rowPages)][(int) (times[i] * COLUMNS / (end + 1))]++;
            }
        }
        var region = new LinkedHashMap<String, Object>();
        region.put("start", "0x" + Long.toHexString(range[0] << 12));
        region.put("end", "0x" + Long.toHexString(range[1] + 1 << 12));
        region.put("rowBytes", rowPages << 12);
        region.put("count", range[2]);
        region.put("grid", grid);
        return region;
    }
}
