package faultline.emulator.fs;

import faultline.emulator.fs.VirtualDirectory.Entry;
import faultline.mmu.hugetlb.HugetlbPool;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * /sys/devices/system/node: the one node that has all of the guest's memory and its one processor. Where the host's
 * nodes are stays out of sight; {@link SysHugePages} has what is below node0/hugepages.
 */
final class SysNodes {
    private static final String ALL = "/sys/devices/system/node";
    private static final String NODE = ALL + "/node0";
    private static final List<String> STATES =
            List.of("has_cpu", "has_memory", "has_normal_memory", "online", "possible");
    private static final long KIB = 1024;

    private final ProcSource source;
    private final Map<String, Supplier<String>> texts;

    SysNodes(ProcSource source) {
        this.source = source;
        texts = Map.of(
                "cpulist", () -> "0\n",
                "cpumap", () -> "1\n",
                "distance", () -> "10\n",
                "meminfo", this::meminfo,
                "numastat", SysNodes::numastat);
    }

    /** Looks up a normalised path; null when it is none of these. */
    VirtualNode lookup(String path) {
        if (!GuestPath.isUnder(path, ALL)) {
            return null;
        }
        if (path.equals(ALL)) {
            return folder(path, STATES.stream(), "node0");
        }
        if (path.equals(NODE)) {
            return folder(path, texts.keySet().stream().sorted(), "hugepages");
        }
        int slash = path.lastIndexOf('/');
        String name = path.substring(slash + 1);
        String folder = path.substring(0, slash);
        if (folder.equals(ALL) && STATES.contains(name)) {
            return new VirtualText(path, path, () -> "0\n", null);
        }
        return folder.equals(NODE) && texts.containsKey(name)
                ? new VirtualText(path, path, texts.get(name), null)
                : VirtualTree.ABSENT;
    }

    private static VirtualNode folder(String path, Stream<String> files, String directory) {
        List<Entry> entries = Stream.concat(
                        files.map(name -> new Entry(name, VirtualDirectory.DT_REG)),
                        Stream.of(new Entry(directory, VirtualDirectory.DT_DIR)))
                .toList();
        return new VirtualFolder(path, path, () -> entries);
    }

    private String meminfo() {
        HugetlbPool pool = source.hugetlb().huge();
        StringBuilder out = new StringBuilder(512);
        line(out, "MemTotal:", source.memoryBytes());
        line(out, "MemFree:", source.freeBytes());
        line(out, "MemUsed:", source.memoryBytes() - source.freeBytes());
        line(out, "SwapCached:", source.swapCachedBytes());
        line(out, "FilePages:", source.cachedBytes());
        out.append("Node 0 HugePages_Total: %5d\n".formatted(pool.total()));
        out.append("Node 0 HugePages_Free:  %5d\n".formatted(pool.free()));
        out.append("Node 0 HugePages_Surp:  %5d\n".formatted(pool.surplus()));
        return out.toString();
    }

    private static void line(StringBuilder out, String name, long bytes) {
        out.append("Node 0 %-15s%9d kB\n".formatted(name, bytes / KIB));
    }

    /** With one node every page is where it was wanted; how many there were is not counted. */
    private static String numastat() {
        return Stream.of("numa_hit", "numa_miss", "numa_foreign", "interleave_hit", "local_node", "other_node")
                .map(name -> name + " 0\n")
                .reduce("", String::concat);
    }
}
