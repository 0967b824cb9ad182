package faultline.plugins.report;

import static faultline.plugins.report.TraceReader.number;
import static faultline.plugins.report.TraceReader.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.TreeMap;

/** What a report shows of a trace, gathered in one pass; only page numbers and times are kept of each fault. */
final class TraceDigest {
    private static final int SLOWEST = 20;
    private static final int OPERATIONS = 2_000;
    private static final int BUCKETS = 120;

    /** Count, nanoseconds altogether, largest. */
    private static final class Sum {
        long count;
        long nanos;
        long most;

        void add(long ns) {
            count++;
            nanos += ns;
            most = Math.max(most, ns);
        }
    }

    private final PageTimes faults = new PageTimes();
    private final Map<String, Sum> paths = new TreeMap<>();
    private final Map<String, Sum> areas = new TreeMap<>();
    private final Map<String, Sum> functions = new HashMap<>();
    private final Map<String, Sum> lines = new HashMap<>();
    private final Map<String, Sum> locks = new TreeMap<>();
    private final Map<String, Long> stacks = new TreeMap<>();
    private final List<String> pathOf = new ArrayList<>();
    private final List<Map<String, Object>> operations = new ArrayList<>();
    private final PriorityQueue<Map<String, Object>> slowest =
            new PriorityQueue<>(Comparator.comparingLong(e -> number(e, "ns")));
    private final TreeMap<Integer, Long> costs = new TreeMap<>();
    private String command = "";
    private long events;
    private long minor;
    private long major;
    private long unresolved;
    private long start = -1;
    private long end;
    private long lostOperations;

    void add(Map<String, Object> event) {
        events++;
        event.put("time", sinceStart(event));
        end = Math.max(end, number(event, "time"));
        String comm = text(event, "comm");
        command = command.isEmpty() && number(event, "tid") != 0 ? comm : command;
        String type = text(event, "event");
        if (type.startsWith("exceptions:page_fault")) {
            fault(event, comm);
        } else if (type.equals("faultline:mm_op")) {
            operation(event);
        } else if (type.startsWith("lock:")) {
            sum(locks, text(event, "lock_class"), number(event, "ns"));
        } else if (type.equals("mmap_lock:mmap_lock_acquire_returned")) {
            sum(locks, "mmap lock, " + text(event, "mode"), number(event, "ns"));
        }
    }

    /** Time is counted from the first thing that a task did: before it, the machine was being set up. */
    private long sinceStart(Map<String, Object> event) {
        long time = number(event, "time");
        if (start < 0 && number(event, "tid") != 0) {
            start = time - number(event, "ns");
        }
        return start < 0 ? 0 : Math.max(0, time - start);
    }

    private static void sum(Map<String, Sum> sums, String key, long nanos) {
        sums.computeIfAbsent(key, k -> new Sum()).add(nanos);
    }

    private void fault(Map<String, Object> event, String comm) {
        boolean done = text(event, "result").equals("done");
        boolean read = number(event, "major") != 0;
        unresolved += done ? 0 : 1;
        minor += done && !read ? 1 : 0;
        major += done && read ? 1 : 0;
        long nanos = number(event, "ns");
        String path = text(event, "path");
        String function = function(text(event, "ip_symbol"));
        faults.add(number(event, "address") >>> 12, number(event, "time"), text(event, "vma"));
        pathOf.add(path);
        sum(paths, path, nanos);
        sum(areas, text(event, "vma"), nanos);
        sum(functions, function, nanos);
        if (!text(event, "ip_line").isEmpty()) {
            sum(lines, text(event, "ip_line"), nanos);
        }
        costs.merge(64 - Long.numberOfLeadingZeros(nanos), 1L, Long::sum);
        stacks.merge(stack(event, comm, function) + ";" + path, 1L, Long::sum);
        slowest.add(event);
        if (slowest.size() > SLOWEST) {
            slowest.poll();
        }
    }

    private static String stack(Map<String, Object> event, String comm, String function) {
        if (!(event.get("stack") instanceof List<?> frames)) {
            return comm + ";" + function;
        }
        var line = new StringBuilder(comm);
        for (Object frame : frames.reversed()) {
            line.append(';').append(function(frame.toString()).replace(';', ':'));
        }
        return line.toString();
    }

    private static String function(String symbol) {
        int plus = symbol.lastIndexOf("+0x");
        return plus > 0 ? symbol.substring(0, plus) : symbol;
    }

    private void operation(Map<String, Object> event) {
        if (operations.size() == OPERATIONS) {
            lostOperations++;
            return;
        }
        operations.add(pick(event, "time", "tid", "op", "address", "length", "result", "ns"));
    }

    private static Map<String, Object> pick(Map<String, Object> event, String... fields) {
        var picked = new LinkedHashMap<String, Object>();
        for (String field : fields) {
            picked.put(field, event.getOrDefault(field, ""));
        }
        return picked;
    }

    /** The data of the page's script. */
    Map<String, Object> toJson() {
        var json = new LinkedHashMap<String, Object>();
        json.put("command", command);
        json.put("events", events);
        json.put("end", end);
        json.put("minor", minor);
        json.put("major", major);
        json.put("unresolved", unresolved);
        json.put("costs", costs);
        json.put("regions", faults.regions(end));
        json.put("overTime", overTime());
        json.put("paths", rows(paths));
        json.put("areas", rows(areas));
        json.put("functions", rows(functions));
        json.put("lines", rows(lines));
        json.put("locks", rows(locks));
        json.put("stacks", stacks);
        json.put(
                "slowest",
                slowest.stream()
                        .sorted(Comparator.comparingLong((Map<String, Object> e) -> -number(e, "ns")))
                        .map(e -> pick(
                                e,
                                "time",
                                "ns",
                                "comm",
                                "tid",
                                "address",
                                "vma",
                                "path",
                                "result",
                                "ip_symbol",
                                "ip_line",
                                "mmap_lock_ns",
                                "ptl_ns"))
                        .toList());
        json.put("operations", operations);
        json.put("lostOperations", lostOperations);
        return json;
    }

    /** Faults a path and a slice of time. */
    private Map<String, long[]> overTime() {
        var series = new TreeMap<String, long[]>();
        for (int i = 0; i < pathOf.size(); i++) {
            int bucket = (int) (faults.time(i) * BUCKETS / (end + 1));
            series.computeIfAbsent(pathOf.get(i), k -> new long[BUCKETS])[bucket]++;
        }
        return series;
    }

    private static List<List<Object>> rows(Map<String, Sum> sums) {
        return sums.entrySet().stream()
                .sorted(Comparator.comparingLong(e -> -e.getValue().nanos))
                .limit(200)
                .map(e -> Arrays.<Object>asList(e.getKey(), e.getValue().count, e.getValue().nanos, e.getValue().most))
                .toList();
    }
}
