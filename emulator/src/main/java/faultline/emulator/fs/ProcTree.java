package faultline.emulator.fs;

import faultline.emulator.fs.VirtualDirectory.Entry;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * /proc: the guest's processes, and what the machine says of itself. The rest (filesystems, sys/kernel/…, net/…) is the
 * host's; a confined guest reads only what {@link #HARMLESS} lists.
 */
final class ProcTree {
    /** Names a confined guest may read from the host. */
    private static final Set<String> HARMLESS = Set.of(
            "filesystems",
            "devices",
            "zoneinfo",
            "buddyinfo",
            "diskstats",
            "partitions",
            "interrupts",
            "softirqs",
            "misc",
            "config.gz",
            "modules",
            "cmdline",
            "sys");

    private static final String DROP_CACHES = "vm/drop_caches";

    private final GuestRoot root;
    private final ProcSource source;
    private final ProcSystem system;

    ProcTree(GuestRoot root, ProcSource source) {
        this.root = root;
        this.source = source;
        this.system = new ProcSystem(source);
    }

    /** Looks up a normalised path that is /proc or below. */
    VirtualNode lookup(Caller caller, String path, boolean follow) {
        if (path.length() <= "/proc/".length()) {
            return new VirtualFolder("/proc", "/proc", this::topEntries);
        }
        int end = path.indexOf('/', 6);
        String first = end < 0 ? path.substring(6) : path.substring(6, end);
        String rest = end < 0 ? "" : path.substring(end + 1);
        switch (first) {
            case "self":
                return alias(path, "self", Integer.toString(caller.pid()), rest, follow);
            case "thread-self":
                return alias(path, "thread-self", caller.pid() + "/task/" + caller.tid(), rest, follow);
            case "mounts":
                return rest.isEmpty() ? alias(path, "mounts", "self/mounts", rest, follow) : VirtualTree.ABSENT;
            case "net":
                return root.isolation().noNet() ? VirtualTree.ABSENT : alias(path, "net", "self/net", rest, follow);
            default:
                break;
        }
        int pid = number(first);
        if (pid > 0) {
            ProcProcess process = source.process(pid);
            return process == null ? VirtualTree.ABSENT : new ProcProcessTree(root, process).lookup(rest, follow);
        }
        VirtualNode own = rest.isEmpty() ? system.lookup(first) : null;
        if (own == null && first.equals("sys") && !rest.isEmpty()) {
            own = rest.equals(DROP_CACHES) ? dropCaches() : system.sysctl(rest);
        } else if (first.equals("sysvipc") && source.sysvipc(rest) != null) {
            own = new VirtualText(path, path, source.sysvipc(rest), null);
        }
        if (own != null) {
            return own;
        }
        return root.confined() && !HARMLESS.contains(first) ? VirtualTree.ABSENT : HostNode.of(path, path);
    }

    /** Writing to it lets go of pages that are kept for files to be opened again. */
    @KernelFunction(value = "drop_caches_sysctl_handler", file = "fs/drop_caches.c")
    private VirtualNode dropCaches() {
        String path = "/proc/sys/" + DROP_CACHES;
        return new VirtualText(path, path, () -> "0\n", written -> {
            if (!written.strip().matches("[1-4]")) {
                return -Errno.EINVAL;
            }
            root.inodes().discardKept();
            return 0;
        });
    }

    private static VirtualNode alias(String path, String name, String target, String rest, boolean follow) {
        if (rest.isEmpty() && !follow) {
            return new VirtualLink(path, "/proc/" + name, target);
        }
        return new RedirectNode(path, "/proc/" + target + (rest.isEmpty() ? "" : "/" + rest));
    }

    /** A process id; 0 when the name is none. */
    static int number(String name) {
        if (name.isEmpty() || name.length() > 9) {
            return 0;
        }
        int n = 0;
        for (int i = 0; i < name.length(); i++) {
            int digit = name.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return 0;
            }
            n = n * 10 + digit;
        }
        return n;
    }

    private List<Entry> topEntries() {
        List<Entry> entries = new ArrayList<>();
        for (Entry entry : hostEntries("/proc")) {
            boolean shown = !root.confined()
                    || HARMLESS.contains(entry.name())
                    || system.knows(entry.name())
                    || Set.of("self", "thread-self", "mounts").contains(entry.name());
            if (number(entry.name()) == 0 && shown) {
                entries.add(entry);
            }
        }
        for (int pid : source.pids()) {
            entries.add(new Entry(Integer.toString(pid), VirtualDirectory.DT_DIR));
        }
        return entries;
    }

    /** The entries of a host directory, without "." and "..". */
    static List<Entry> hostEntries(String directory) {
        List<Entry> entries = new ArrayList<>();
        int flags = OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC;
        long fd = Libc.call(Nr.OPENAT, Libc.AT_FDCWD, HostScratch.get().path(directory), flags);
        if (fd < 0) {
            return entries;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(1 << 15, 8);
            long n;
            while ((n = Libc.call(Nr.GETDENTS64, fd, block.address(), block.byteSize())) > 0) {
                for (long at = 0; at < n; at += block.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 16)) {
                    String name = cString(block, at + 19);
                    if (!name.equals(".") && !name.equals("..")) {
                        entries.add(new Entry(name, block.get(ValueLayout.JAVA_BYTE, at + 18)));
                    }
                }
            }
        } finally {
            Libc.call(Nr.CLOSE, fd);
        }
        return entries;
    }

    private static String cString(MemorySegment block, long offset) {
        int length = 0;
        while (block.get(ValueLayout.JAVA_BYTE, offset + length) != 0) {
            length++;
        }
        return HostScratch.latin1(block, offset, length);
    }
}
