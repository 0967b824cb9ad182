package faultline.emulator.fs;

import faultline.emulator.fs.VirtualDirectory.Entry;
import faultline.mmu.Errno;
import faultline.mmu.hugetlb.HugetlbPool;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * /sys/kernel/mm/hugepages, and the same of node 0: the pool of the guest's machine, of which there is one, of 2 MiB.
 *
 * <p>Whatever the host has under these names stays out of sight, and out of reach.
 */
final class SysHugePages {
    private static final String ALL = "/sys/kernel/mm/hugepages";
    private static final Pattern PATH =
            Pattern.compile("(" + ALL + "|/sys/devices/system/node/node(\\d+)/hugepages)(/[^/]+)?(/[^/]+)?(/.*)?");
    private static final String POOL = "hugepages-2048kB";

    private static final List<String> OF_ALL = List.of(
            "free_hugepages",
            "nr_hugepages",
            "nr_hugepages_mempolicy",
            "nr_overcommit_hugepages",
            "resv_hugepages",
            "surplus_hugepages");
    private static final List<String> OF_NODE = List.of("free_hugepages", "nr_hugepages", "surplus_hugepages");

    private final HugetlbPool pool;

    SysHugePages(HugetlbPool pool) {
        this.pool = pool;
    }

    /** Looks up a normalised path; null when it is none of these. */
    VirtualNode lookup(String path) {
        Matcher match = PATH.matcher(path);
        if (!match.matches()) {
            return null;
        }
        boolean node = match.group(2) != null;
        if (node && !match.group(2).equals("0") || match.group(5) != null) {
            return VirtualTree.ABSENT;
        }
        List<String> names = node ? OF_NODE : OF_ALL;
        if (match.group(3) == null) {
            return folder(path, List.of(POOL), VirtualDirectory.DT_DIR);
        }
        if (!match.group(3).equals("/" + POOL)) {
            return VirtualTree.ABSENT;
        }
        if (match.group(4) == null) {
            return folder(path, names, VirtualDirectory.DT_REG);
        }
        String name = match.group(4).substring(1);
        return names.contains(name) ? file(path, name) : VirtualTree.ABSENT;
    }

    private static VirtualNode folder(String path, List<String> names, byte type) {
        return new VirtualFolder(
                path, path, () -> names.stream().map(n -> new Entry(n, type)).toList());
    }

    private VirtualNode file(String path, String name) {
        return switch (name) {
            case "free_hugepages" -> text(path, pool::free, null);
            case "resv_hugepages" -> text(path, pool::reserved, null);
            case "surplus_hugepages" -> text(path, pool::surplus, null);
            case "nr_overcommit_hugepages" -> text(path, pool::overcommit, pool::setOvercommit);
            default -> text(path, pool::total, pool::resize);
        };
    }

    private static VirtualNode text(String path, LongSupplier value, LongConsumer setter) {
        ToLongFunction<String> writer = setter == null ? null : written -> set(setter, written);
        return new VirtualText(path, path, () -> value.getAsLong() + "\n", writer);
    }

    private static long set(LongConsumer setter, String written) {
        try {
            setter.accept(Long.parseUnsignedLong(written.strip()) & Long.MAX_VALUE);
            return 0;
        } catch (NumberFormatException e) {
            return -Errno.EINVAL;
        }
    }
}
