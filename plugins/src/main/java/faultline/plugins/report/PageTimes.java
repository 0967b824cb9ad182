package faultline.plugins.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Which pages were touched when, and what was mapped there: the data of the heat map. */
final class PageTimes {
    private static final int ROWS = 64;
    private static final int COLUMNS = 160;
    private static final int MAX_REGIONS = 10;
    /** Zooms into a region at most, each into what is densest in the one before. */
    private static final int MAX_ZOOMS = 3;
    /** A zoom shows this part of its region's faults at least, in percent, or it is not worth its place. */
    private static final int ZOOM_SHARE = 40;
    /** Pages of untouched address space that part two regions: 64 MiB. */
    private static final long GAP = 1 << 14;

    private long[] pages = new long[1024];
    private long[] times = new long[1024];
    private int[] areas = new int[1024];
    private int size;
    private final List<String> names = new ArrayList<>();
    private final Map<String, Integer> numbers = new HashMap<>();

    private record Range(long first, long last, long count) {
        boolean holds(long page) {
            return page >= first && page <= last;
        }
    }

    void add(long page, long time, String area) {
        if (size == pages.length) {
            pages = Arrays.copyOf(pages, 2 * size);
            times = Arrays.copyOf(times, 2 * size);
            areas = Arrays.copyOf(areas, 2 * size);
        }
        pages[size] = page;
        times[size] = time;
        areas[size++] = numbers.computeIfAbsent(area, k -> {
            names.add(k);
            return names.size() - 1;
        });
    }

    long time(int index) {
        return times[index];
    }

    /** The hottest stretches of address space, the lowest addresses first, each with its zooms. */
    List<Map<String, Object>> regions(long end) {
        long[] sorted = Arrays.copyOf(pages, size);
        Arrays.sort(sorted);
        var ranges = new ArrayList<Range>();
        for (int i = 0; i < size; i++) {
            Range last = ranges.isEmpty() ? null : ranges.getLast();
            if (last != null && sorted[i] - last.last <= GAP) {
                ranges.set(ranges.size() - 1, new Range(last.first, sorted[i], last.count + 1));
            } else {
                ranges.add(new Range(sorted[i], sorted[i], 1));
            }
        }
        return ranges.stream()
                .sorted(Comparator.comparingLong(range -> -range.count))
                .limit(MAX_REGIONS)
                .sorted(Comparator.comparingLong(range -> range.first))
                .map(range -> region(range, end))
                .toList();
    }

    private Map<String, Object> region(Range range, long end) {
        Map<String, Object> region = picture(range, end);
        var zooms = new ArrayList<Map<String, Object>>();
        for (Range zoom = densest(range); zoom != null && zooms.size() < MAX_ZOOMS; zoom = densest(zoom)) {
            zooms.add(picture(zoom, end));
        }
        region.put("zooms", zooms);
        return region;
    }

    /**
     * The eighth of a range that most faults are in, or null where none stands out or rows are single pages already.
     */
    private Range densest(Range range) {
        long rowPages = rowPages(range);
        if (rowPages == 1) {
            return null;
        }
        var rows = new long[rows(range)];
        for (int i = 0; i < size; i++) {
            if (range.holds(pages[i])) {
                rows[(int) ((pages[i] - range.first) / rowPages)]++;
            }
        }
        int width = Math.max(1, rows.length / 8);
        int best = 0;
        long most = 0;
        for (int from = 0; from + width <= rows.length; from++) {
            long count = 0;
            for (int row = from; row < from + width; row++) {
                count += rows[row];
            }
            if (count > most) {
                most = count;
                best = from;
            }
        }
        long first = range.first + best * rowPages;
        return most * 100 < range.count * ZOOM_SHARE
                ? null
                : new Range(first, Math.min(range.last, first + width * rowPages - 1), most);
    }

    private static long rowPages(Range range) {
        return Math.ceilDiv(range.last - range.first + 1, ROWS);
    }

    private static int rows(Range range) {
        return (int) Math.ceilDiv(range.last - range.first + 1, rowPages(range));
    }

    /** A grid of address by time. */
    private Map<String, Object> picture(Range range, long end) {
        long rowPages = rowPages(range);
        var grid = new int[rows(range)][COLUMNS];
        var touched = new HashMap<Integer, Integer>();
        for (int i = 0; i < size; i++) {
            if (range.holds(pages[i])) {
                grid[(int) ((pages[i] - range.first) / rowPages)][(int) (times[i] * COLUMNS / (end + 1))]++;
                touched.merge(areas[i], 1, Integer::sum);
            }
        }
        var picture = new LinkedHashMap<String, Object>();
        picture.put("start", "0x" + Long.toHexString(range.first << 12));
        picture.put("end", "0x" + Long.toHexString(range.last + 1 << 12));
        picture.put("rowBytes", rowPages << 12);
        picture.put("count", range.count);
        picture.put(
                "areas",
                touched.entrySet().stream()
                        .sorted(Map.Entry.<Integer, Integer>comparingByValue().reversed())
                        .limit(3)
                        .map(e -> names.get(e.getKey()))
                        .toList());
        picture.put("grid", grid);
        return picture;
    }
}
