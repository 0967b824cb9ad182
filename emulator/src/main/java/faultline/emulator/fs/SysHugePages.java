package faultline.emulator.fs;

import faultline.emulator.fs.VirtualDirectory.Entry;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.hugetlb.HugetlbPool;
import faultline.mmu.hugetlb.HugetlbPools;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.LongUnaryOperator;
import java.util.function.ToLongFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * /sys/kernel/mm/hugepages, and the same of node 0: the pools of the guest's machine, of 2 MiB and of 1 GiB.
 *
 * <p>Whatever the host has under these names stays out of sight, and out of reach.
 */
final class SysHugePages {
    private static final String ALL = "/sys/kernel/mm/hugepages";
    private static final Pattern PATH =
            Pattern.compile("(" + ALL + "|/sys/devices/system/node/node(\\d+)/hugepages)(/[^/]+)?(/[^/]+)?(/.*)?");

    private static final List<String> OF_ALL = List.of(
            "free_hugepages",
            "nr_hugepages",
            "nr_hugepages_mempolicy",
            "nr_overcommit_hugepages",
            "resv_hugepages",
            "surplus_hugepages");
    private static final List<String> OF_NODE = List.of("free_hugepages", "nr_hugepages", "surplus_hugepages");

    private final HugetlbPools pools;

    SysHugePages(HugetlbPools pools) {
        this.pools = pools;
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
            List<String> all = pools.all().stream().map(SysHugePages::name).toList();
            return folder(path, all, VirtualDirectory.DT_DIR);
        }
        HugetlbPool pool = pool(match.group(3).substring(1));
        if (pool == null) {
            return VirtualTree.ABSENT;
        }
        if (match.group(4) == null) {
            return folder(path, names, VirtualDirectory.DT_REG);
        }
        String name = match.group(4).substring(1);
        return names.contains(name) ? file(pool, path, name) : VirtualTree.ABSENT;
    }

    /** The name of a pool's directory. */
    @KernelFunction(value = "hugetlb_add_hstate", file = "mm/hugetlb.c")
    private static String name(HugetlbPool pool) {
        return "hugepages-" + (pool.pageSize() >> 10) + "kB";
    }

    private HugetlbPool pool(String name) {
        return pools.all().stream()
                .filter(pool -> name(pool).equals(name))
                .findFirst()
                .orElse(null);
    }

    private static long resize(HugetlbPool pool, long wanted) {
        pool.resize(wanted);
        return 0;
    }

    /** Pages of 1 GiB are not made when somebody wants one. */
    @KernelFunction(value = "nr_overcommit_hugepages_store", file = "mm/hugetlb.c")
    private static long setOvercommit(HugetlbPool pool, long wanted) {
        if (pool.isGigantic()) {
            return -Errno.EINVAL;
        }
        pool.setOvercommit(wanted);
        return 0;
    }

    private static VirtualNode folder(String path, List<String> names, byte type) {
        return new VirtualFolder(
                path, path, () -> names.stream().map(n -> new Entry(n, type)).toList());
    }

    private static VirtualNode file(HugetlbPool pool, String path, String name) {
        return switch (name) {
            case "free_hugepages" -> text(path, pool::free, null);
            case "resv_hugepages" -> text(path, pool::reserved, null);
            case "surplus_hugepages" -> text(path, pool::surplus, null);
            case "nr_overcommit_hugepages" -> text(path, pool::overcommit, wanted -> setOvercommit(pool, wanted));
            default -> text(path, pool::total, wanted -> resize(pool, wanted));
        };
    }

    private static VirtualNode text(String path, LongSupplier value, LongUnaryOperator setter) {
        ToLongFunction<String> writer = setter == null ? null : written -> set(setter, written);
        return new VirtualText(path, path, () -> value.getAsLong() + "\n", writer);
    }

    private static long set(LongUnaryOperator setter, String written) {
        try {
            return setter.applyAsLong(Long.parseUnsignedLong(written.strip()) & Long.MAX_VALUE);
        } catch (NumberFormatException e) {
            return -Errno.EINVAL;
        }
    }
}
