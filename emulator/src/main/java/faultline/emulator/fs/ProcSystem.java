package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.hugetlb.HugetlbPool;
import faultline.mmu.hugetlb.HugetlbPools;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.phys.LruVec;
import faultline.mmu.swap.SwapArea;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Files of /proc that tell of the guest's machine: meminfo, swaps, vmstat, cpuinfo, stat, uptime, loadavg, version,
 * some of sys.
 */
final class ProcSystem {
    private static final Set<String> NAMES = Set.of(
            "meminfo",
            "cpuinfo",
            "stat",
            "uptime",
            "loadavg",
            "locks",
            "version",
            "swaps",
            "vmstat",
            "kpageflags",
            "kpagecount",
            "cgroups",
            "filesystems");
    private static final long KIB = 1024;
    private static final long NANOS = 1_000_000_000L;
    /** Nanoseconds of one tick of USER_HZ. */
    private static final long TICK = 10_000_000L;

    private final ProcSource source;

    ProcSystem(ProcSource source) {
        this.source = source;
    }

    boolean knows(String name) {
        return NAMES.contains(name);
    }

    /** A file right below /proc; null when it is not ours. */
    VirtualNode lookup(String name) {
        if (name.equals("kpageflags")) {
            return frames("/proc/kpageflags", source::pageFlags);
        }
        if (name.equals("kpagecount")) {
            return frames("/proc/kpagecount", source::pageCounts);
        }
        Supplier<String> text =
                switch (name) {
                    case "meminfo" -> this::meminfo;
                    case "cpuinfo" -> this::cpuinfo;
                    case "stat" -> this::stat;
                    case "uptime" -> this::uptime;
                    case "loadavg" -> this::loadavg;
                    case "locks" -> source.recordLocks()::table;
                    case "swaps" -> this::swaps;
                    case "vmstat" -> this::vmstat;
                    case "cgroups" -> source::controllers;
                    case "filesystems" -> ProcSystem::filesystems;
                    case "version" ->
                        () -> "Linux version " + source.release() + " (faultline) " + source.version() + "\n";
                    default -> null;
                };
        return text == null ? null : new VirtualText("/proc/" + name, "/proc/" + name, text, null);
    }

    /** A file that tells of each frame, to those who may open the host's. */
    private VirtualNode frames(String path, ProcEntriesFile.Entries entries) {
        return new VirtualNode(path, path) {
            @Override
            public Opened open(int flags) {
                long fd = Libc.call(Nr.OPENAT, Libc.AT_FDCWD, HostScratch.get().path(path), flags);
                if (fd < 0) {
                    return Opened.failed(fd);
                }
                Libc.call(Nr.CLOSE, fd);
                return Opened.of(new ProcEntriesFile(path, path, source.frameCount(), entries, flags));
            }
        };
    }

    /** A file below /proc/sys; null when the host's value is shown. */
    VirtualNode sysctl(String name) {
        if (source.sysctl(name) == null) {
            return null;
        }
        String path = "/proc/sys/" + name;
        return new SysctlText(path, () -> source.sysctl(name) + "\n", text -> source.setSysctl(name, text.strip()));
    }

    private String meminfo() {
        long total = source.memoryBytes();
        long free = source.freeBytes();
        StringBuilder out = new StringBuilder(512);
        line(out, "MemTotal:", total);
        line(out, "MemFree:", free);
        line(out, "MemAvailable:", free);
        line(out, "Buffers:", 0);
        line(out, "Cached:", source.cachedBytes());
        line(out, "SwapCached:", source.swapCachedBytes());
        lists(out);
        line(out, "SwapTotal:", source.swapBytes());
        line(out, "SwapFree:", source.freeSwapBytes());
        line(out, "CommitLimit:", source.commitLimitBytes());
        line(out, "Committed_AS:", source.committedBytes());
        hugePages(out, source.hugetlb());
        return out.toString();
    }

    private void lists(StringBuilder out) {
        long inactiveAnon = source.lruBytes(LruVec.INACTIVE_ANON);
        long activeAnon = source.lruBytes(LruVec.ACTIVE_ANON);
        long inactiveFile = source.lruBytes(LruVec.INACTIVE_FILE);
        long activeFile = source.lruBytes(LruVec.ACTIVE_FILE);
        long unevictable = source.lruBytes(LruVec.UNEVICTABLE);
        line(out, "Active:", activeAnon + activeFile);
        line(out, "Inactive:", inactiveAnon + inactiveFile);
        line(out, "Active(anon):", activeAnon);
        line(out, "Inactive(anon):", inactiveAnon);
        line(out, "Active(file):", activeFile);
        line(out, "Inactive(file):", inactiveFile);
        line(out, "Unevictable:", unevictable);
        // Nothing but a locked mapping makes a page unevictable.
        line(out, "Mlocked:", unevictable);
    }

    @KernelFunction(value = "hugetlb_report_meminfo", file = "mm/hugetlb.c")
    private static void hugePages(StringBuilder out, HugetlbPools pools) {
        HugetlbPool pool = pools.huge();
        out.append("HugePages_Total:   %5d\n".formatted(pool.total()));
        out.append("HugePages_Free:    %5d\n".formatted(pool.free()));
        out.append("HugePages_Rsvd:    %5d\n".formatted(pool.reserved()));
        out.append("HugePages_Surp:    %5d\n".formatted(pool.surplus()));
        line(out, "Hugepagesize:", pool.pageSize());
        line(out, "Hugetlb:", pools.totalFrames() << MmLayout.PAGE_SHIFT);
    }

    private static void line(StringBuilder out, String name, long bytes) {
        String value = Long.toString(bytes / KIB);
        out.append(name)
                .append(" ".repeat(Math.max(1, 24 - name.length() - value.length())))
                .append(value)
                .append(" kB\n");
    }

    /** The host's, as those are that a guest sees; but control groups are the machine's own, of version 2 alone. */
    private static String filesystems() {
        try {
            String text = Files.readString(Path.of("/proc/filesystems"), StandardCharsets.ISO_8859_1);
            String own = "nodev\tcgroup2\n";
            String rest = text.replace("nodev\tcgroup\n", "").replace("nodev\tcpuset\n", "");
            return rest.contains(own) ? rest : rest + own;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @KernelFunction(value = "swap_show", file = "mm/swapfile.c")
    private String swaps() {
        StringBuilder out = new StringBuilder("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
        for (SwapArea area : source.swapAreas()) {
            String path = mangled(area.store().path());
            long size = MmLayout.PAGE_SIZE / KIB * area.size();
            long used = MmLayout.PAGE_SIZE / KIB * area.inUse();
            out.append(path).append(" ".repeat(Math.max(1, 40 - path.length())));
            out.append("file\t\t%d\t%s%d\t%s%d\n".formatted(size, tab(size), used, tab(used), area.priority()));
        }
        return out.toString();
    }

    /** Blanks and backslashes as octal numbers. */
    @KernelFunction(value = "mangle_path", file = "fs/seq_file.c")
    private static String mangled(String path) {
        StringBuilder out = new StringBuilder(path.length());
        for (char c : path.toCharArray()) {
            if (" \t\n\\".indexOf(c) >= 0) {
                out.append("\\%03o".formatted((int) c));
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }

    /** Columns of eight, of which seven digits take one. */
    private static String tab(long number) {
        return number < 10_000_000 ? "\t" : "";
    }

    private String vmstat() {
        StringBuilder out = new StringBuilder();
        source.vmstat()
                .forEach((name, value) ->
                        out.append(name).append(' ').append(value).append('\n'));
        return out.toString();
    }

    private String cpuinfo() {
        return """
                processor\t: 0
                vendor_id\t: GenuineIntel
                model name\t: %s
                cpu MHz\t\t: 1000.000
                physical id\t: 0
                siblings\t: 1
                core id\t\t: 0
                cpu cores\t: 1
                fpu\t\t: yes
                wp\t\t: yes
                flags\t\t: %s
                clflush size\t: 64
                cache_alignment\t: 64
                address sizes\t: 40 bits physical, 48 bits virtual

                """.formatted(source.cpuModel(), String.join(" ", source.cpuFlags()));
    }

    private String stat() {
        long ticks = source.uptimeNanos() / TICK;
        String cpu = " " + ticks + " 0 0 0 0 0 0 0 0 0\n";
        return "cpu " + cpu + "cpu0" + cpu + "intr 0\nctxt " + source.contextSwitches() + "\nbtime "
                + source.bootSeconds() + "\nprocesses " + source.forks()
                + "\nprocs_running 1\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n";
    }

    private String uptime() {
        long nanos = source.uptimeNanos();
        String seconds = "%d.%02d".formatted(nanos / NANOS, nanos % NANOS / TICK);
        return seconds + " 0.00\n";
    }

    private String loadavg() {
        int[] pids = source.pids();
        int last = pids.length == 0 ? 0 : pids[pids.length - 1];
        return "0.00 0.00 0.00 1/" + pids.length + " " + last + "\n";
    }
}
