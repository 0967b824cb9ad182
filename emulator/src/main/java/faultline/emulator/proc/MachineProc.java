package faultline.emulator.proc;

import faultline.emulator.fs.CgroupNode;
import faultline.emulator.fs.ProcProcess;
import faultline.emulator.fs.ProcSource;
import faultline.emulator.fs.RecordLocks;
import faultline.emulator.task.Kernel;
import faultline.emulator.task.KernelClock;
import faultline.emulator.task.Process;
import faultline.emulator.task.Sysctl;
import faultline.emulator.task.SystemIdentity;
import faultline.mmu.Errno;
import faultline.mmu.hugetlb.HugetlbPools;
import faultline.mmu.ksm.Ksm;
import faultline.mmu.mm.CommitAccount;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmSysctl;
import faultline.mmu.phys.LruVec;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.swap.Reclaimer;
import faultline.mmu.swap.SwapArea;
import faultline.mmu.swap.SwapSpace;
import faultline.mmu.view.KPageFlags;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** A running machine as /proc tells of it. */
public final class MachineProc implements ProcSource {
    private static final String CPU_MODEL = "Faultline Virtual CPU on Unicorn";
    private final Kernel kernel;
    private final List<Sysctl> parts;

    public MachineProc(Kernel kernel) {
        this.kernel = kernel;
        this.parts = List.of(
                kernel.sem().sysctl(),
                kernel.shm().sysctl(),
                kernel.messages().sysctl(),
                kernel.mqueues().sysctl(),
                kernel.names(),
                kernel.coreSettings(),
                kernel.pids());
    }

    @Override
    public int[] pids() {
        return kernel.processes().keySet().stream()
                .mapToInt(Integer::intValue)
                .sorted()
                .toArray();
    }

    @Override
    public ProcProcess process(int pid) {
        Process process = kernel.processes().get(pid);
        return process == null ? null : new ProcessProc(process);
    }

    @Override
    public long memoryBytes() {
        return kernel.memory().phys().size();
    }

    @Override
    public long freeBytes() {
        return kernel.memory().phys().allocator().freeFrames() << MmLayout.PAGE_SHIFT;
    }

    @Override
    public long cachedBytes() {
        return kernel.memory().cache().pages() << MmLayout.PAGE_SHIFT;
    }

    @Override
    public long swapBytes() {
        return kernel.memory().swap().totalSlots() << MmLayout.PAGE_SHIFT;
    }

    @Override
    public long freeSwapBytes() {
        return kernel.memory().swap().freeSlots() << MmLayout.PAGE_SHIFT;
    }

    @Override
    public long swapCachedBytes() {
        return kernel.memory().swap().cachedPages() << MmLayout.PAGE_SHIFT;
    }

    @Override
    public List<SwapArea> swapAreas() {
        return kernel.memory().swap().areas().all();
    }

    @Override
    public long frameCount() {
        return kernel.memory().phys().frameCount();
    }

    @Override
    public void pageFlags(long first, long[] out) {
        kernel.memory().phys().allocator().drainLru();
        KPageFlags.readFlags(kernel.memory().phys().frames(), first, out);
    }

    @Override
    public void pageCounts(long first, long[] out) {
        KPageFlags.readCounts(kernel.memory().phys().frames(), first, out);
    }

    @Override
    public long lruBytes(int list) {
        PhysicalMemory phys = kernel.memory().phys();
        phys.allocator().drainLru();
        return phys.frames().lru().size(list) << MmLayout.PAGE_SHIFT;
    }

    @Override
    public Map<String, Long> vmstat() {
        SwapSpace swap = kernel.memory().swap();
        Reclaimer reclaimer = kernel.memory().reclaimer();
        Map<String, Long> lines = new LinkedHashMap<>();
        lines.put("nr_free_pages", kernel.memory().phys().allocator().freeFrames());
        LruVec lru = kernel.memory().phys().frames().lru();
        kernel.memory().phys().allocator().drainLru();
        lines.put("nr_inactive_anon", lru.size(LruVec.INACTIVE_ANON));
        lines.put("nr_active_anon", lru.size(LruVec.ACTIVE_ANON));
        lines.put("nr_inactive_file", lru.size(LruVec.INACTIVE_FILE));
        lines.put("nr_active_file", lru.size(LruVec.ACTIVE_FILE));
        lines.put("nr_unevictable", lru.size(LruVec.UNEVICTABLE));
        lines.put("nr_mlock", lru.size(LruVec.UNEVICTABLE));
        lines.put("pswpin", swap.pagesIn());
        lines.put("pswpout", swap.pagesOut());
        lines.put("pgactivate", lru.activated());
        lines.put("pgdeactivate", lru.deactivated());
        lines.put("pgsteal_kswapd", reclaimer.stolenInBackground());
        lines.put("pgsteal_direct", reclaimer.stolen() - reclaimer.stolenInBackground());
        lines.put("pgscan_kswapd", reclaimer.scannedInBackground());
        lines.put("pgscan_direct", reclaimer.scanned() - reclaimer.scannedInBackground());
        lines.put("pgrotated", lru.rotated());
        lines.put("oom_kill", kernel.oomKiller().kills());
        return lines;
    }

    @Override
    public long committedBytes() {
        return kernel.memory().commit().committed() << MmLayout.PAGE_SHIFT;
    }

    @Override
    public long commitLimitBytes() {
        return kernel.memory().commit().limit() << MmLayout.PAGE_SHIFT;
    }

    @Override
    public long contextSwitches() {
        return kernel.cpu().switches();
    }

    @Override
    public long forks() {
        return kernel.pids().given();
    }

    @Override
    public long uptimeNanos() {
        return kernel.uptimeNanos();
    }

    @Override
    public long bootSeconds() {
        return (kernel.clock().now(KernelClock.REALTIME) - kernel.uptimeNanos()) / 1_000_000_000L;
    }

    @Override
    public String release() {
        return SystemIdentity.RELEASE;
    }

    @Override
    public String version() {
        return SystemIdentity.VERSION;
    }

    @Override
    public String cpuModel() {
        return CPU_MODEL;
    }

    @Override
    public List<String> cpuFlags() {
        return kernel.pool().cpuFlags();
    }

    @Override
    public CgroupNode cgroups() {
        return kernel.cgroups().root();
    }

    @Override
    public String controllers() {
        return kernel.cgroups().controllers();
    }

    @Override
    public RecordLocks recordLocks() {
        return kernel.recordLocks();
    }

    @Override
    public MmSysctl memorySettings() {
        return kernel.memory().sysctl();
    }

    @Override
    public Ksm ksm() {
        return kernel.memory().ksm();
    }

    @Override
    public HugetlbPools hugetlb() {
        return kernel.memory().hugetlb();
    }

    @Override
    public String sysctl(String name) {
        MmSysctl sysctl = kernel.memory().sysctl();
        return switch (name) {
            case "vm/max_map_count" -> Integer.toString(sysctl.maxMapCount);
            case "vm/mmap_min_addr" -> Long.toString(sysctl.mmapMinAddr);
            case "vm/overcommit_memory" -> overcommit();
            case "vm/overcommit_kbytes" ->
                Long.toString(kernel.memory().commit().kbytes());
            case "vm/overcommit_ratio" ->
                Integer.toString(kernel.memory().commit().ratio());
            case "vm/unprivileged_userfaultfd" -> sysctl.unprivilegedUserfaultfd ? "1" : "0";
            case "vm/nr_hugepages", "vm/nr_hugepages_mempolicy" ->
                Long.toString(hugetlb().huge().persistent());
            case "vm/nr_overcommit_hugepages" -> Long.toString(hugetlb().huge().overcommit());
            case "vm/hugetlb_shm_group" -> "0";
            case "vm/compact_memory" -> "0";
            case "vm/swappiness" -> "60";
            case "kernel/pid_max" -> Integer.toString(Kernel.PID_MAX);
            case "kernel/randomize_va_space" -> "2";
            case "kernel/ostype" -> "Linux";
            case "kernel/osrelease" -> SystemIdentity.RELEASE;
            case "kernel/version" -> SystemIdentity.VERSION;
            case "kernel/threads-max" -> Integer.toString(Kernel.THREADS_MAX);
            default -> {
                Sysctl owner = owner(name);
                yield owner == null ? null : owner.get(name);
            }
        };
    }

    /** Whose setting this is; null when it is none of those that parts of the machine keep themselves. */
    private Sysctl owner(String name) {
        for (Sysctl part : parts) {
            if (part.get(name) != null) {
                return part;
            }
        }
        return null;
    }

    @Override
    public Supplier<String> sysvipc(String kind) {
        return switch (kind) {
            case "shm" -> kernel.shm()::list;
            case "sem" -> kernel.sem()::list;
            case "msg" -> kernel.messages()::list;
            default -> null;
        };
    }

    private String overcommit() {
        CommitAccount.Mode mode = kernel.memory().commit().mode();
        return Integer.toString(mode.ordinal());
    }

    private long setOvercommit(int number) {
        CommitAccount.Mode[] modes = CommitAccount.Mode.values();
        if (number < 0 || number >= modes.length) {
            return -Errno.EINVAL;
        }
        kernel.memory().commit().setMode(modes[number]);
        return 0;
    }

    private long setUnprivilegedUserfaultfd(int number) {
        if (number < 0 || number > 1) {
            return -Errno.EINVAL;
        }
        kernel.memory().sysctl().unprivilegedUserfaultfd = number != 0;
        return 0;
    }

    /** A number that is not negative. */
    private static long count(String value) {
        return Long.parseUnsignedLong(value) < 0 ? Long.MAX_VALUE : Long.parseUnsignedLong(value);
    }

    @Override
    public long setSysctl(String name, String value) {
        try {
            switch (name) {
                case "vm/max_map_count" -> kernel.memory().sysctl().maxMapCount = Integer.parseInt(value);
                case "vm/mmap_min_addr" -> kernel.memory().sysctl().mmapMinAddr = Long.parseLong(value);
                case "vm/overcommit_memory" -> {
                    return setOvercommit(Integer.parseInt(value));
                }
                case "vm/unprivileged_userfaultfd" -> {
                    return setUnprivilegedUserfaultfd(Integer.parseInt(value));
                }
                case "vm/nr_hugepages", "vm/nr_hugepages_mempolicy" ->
                    hugetlb().huge().resize(count(value));
                case "vm/nr_overcommit_hugepages" -> hugetlb().huge().setOvercommit(count(value));
                case "vm/compact_memory" -> kernel.memory().phys().allocator().drainCaches();
                case "vm/overcommit_kbytes" -> kernel.memory().commit().setKbytes(count(value));
                case "vm/overcommit_ratio" -> kernel.memory().commit().setRatio(Integer.parseInt(value));
                default -> {
                    Sysctl owner = owner(name);
                    return owner == null ? -Errno.EACCES : owner.set(name, value);
                }
            }
            return 0;
        } catch (NumberFormatException e) {
            return -Errno.EINVAL;
        }
    }
}
