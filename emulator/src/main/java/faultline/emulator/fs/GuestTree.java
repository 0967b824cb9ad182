package faultline.emulator.fs;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What the guest's tree has in place of the host's:
 *
 * <table>
 * <caption>Virtual names</caption>
 * <tr><th>name</th><th>host root</th><th>confined by --root</th></tr>
 * <tr><td>/proc</td><td colspan="2">{@link ProcTree}</td></tr>
 * <tr><td>/dev/fd, /dev/stdin, /dev/stdout, /dev/stderr</td><td colspan="2">the caller's /proc/self/fd</td></tr>
 * <tr><td>/dev/null, zero, full, random, urandom, tty</td><td>the host's</td><td>the host's, as if mounted</td></tr>
 * <tr><td>/dev/faultline</td><td colspan="2">the ring of page faults, see {@code FaultRing}</td></tr>
 * <tr><td>/sys/devices/system/cpu/online, possible, present</td><td colspan="2">one processor</td></tr>
 * <tr><td>/sys/devices/system/node</td><td colspan="2">{@link SysNodes}</td></tr>
 * <tr><td>/sys/fs/cgroup</td><td>a mount, see {@link CgroupFiles}</td><td>none</td></tr>
 * <tr><td>/sys/kernel/mm/hugepages</td><td colspan="2">{@link SysHugePages}</td></tr>
 * <tr><td>/sys/kernel/mm/ksm</td><td colspan="2">{@link SysKsm}</td></tr>
 * <tr><td>/sys/kernel/mm/transparent_hugepage</td><td colspan="2">{@link SysHugeModes}</td></tr>
 * </table>
 */
final class GuestTree implements VirtualTree {
    private static final Set<String> DEVICES =
            Set.of("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty");
    private static final Set<String> PROCESSORS = Set.of(
            "/sys/devices/system/cpu/online", "/sys/devices/system/cpu/possible", "/sys/devices/system/cpu/present");

    private final Map<String, VirtualNode> devices = new ConcurrentHashMap<>();
    private final GuestRoot root;
    private final boolean confined;
    private final ProcTree proc;
    private final SysHugePages hugePages;
    private final SysHugeModes hugeModes;
    private final SysKsm ksm;
    private final SysNodes nodes;

    GuestTree(GuestRoot root, ProcSource source) {
        this.root = root;
        confined = root.confined();
        proc = new ProcTree(root, source);
        hugePages = new SysHugePages(source.hugetlb());
        hugeModes = new SysHugeModes(source.memorySettings());
        ksm = new SysKsm(source::ksm);
        nodes = new SysNodes(source);
    }

    /** Adds a device of the machine's own. */
    void add(VirtualNode device) {
        devices.put(device.path(), device);
    }

    @Override
    public VirtualNode lookup(Caller caller, String path, boolean follow) {
        if (GuestPath.isUnder(path, "/proc")) {
            return proc.lookup(caller, path, follow);
        }
        if (path.startsWith("/dev/")) {
            return device(path, follow);
        }
        root.autoMount(path);
        if (PROCESSORS.contains(path)) {
            return new VirtualText(path, path, () -> "0\n", null);
        }
        VirtualNode found = hugePages.lookup(path);
        found = found != null ? found : hugeModes.lookup(path);
        found = found != null ? found : ksm.lookup(path);
        return found != null ? found : nodes.lookup(path);
    }

    private VirtualNode device(String path, boolean follow) {
        VirtualNode own = devices.get(path);
        if (own != null) {
            return own;
        }
        String behind = descriptorLink(path);
        if (behind != null && (follow || path.startsWith("/dev/fd/"))) {
            return new RedirectNode(path, behind);
        }
        if (!confined) {
            return null;
        }
        if (behind != null) {
            return new VirtualLink(path, "/proc/self/exe", behind);
        }
        return DEVICES.contains(path) ? HostNode.device(path) : null;
    }

    private static String descriptorLink(String path) {
        return switch (path) {
            case "/dev/fd" -> "/proc/self/fd";
            case "/dev/stdin" -> "/proc/self/fd/0";
            case "/dev/stdout" -> "/proc/self/fd/1";
            case "/dev/stderr" -> "/proc/self/fd/2";
            default -> path.startsWith("/dev/fd/") ? "/proc/self/fd/" + path.substring(8) : null;
        };
    }
}
