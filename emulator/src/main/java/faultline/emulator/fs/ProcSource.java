package faultline.emulator.fs;

import faultline.mmu.hugetlb.HugetlbPools;
import faultline.mmu.ksm.Ksm;
import faultline.mmu.mm.MmSysctl;
import faultline.mmu.phys.LruVec;
import faultline.mmu.swap.SwapArea;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** What /proc tells about the machine and its processes; the task layer supplies it. Any thread may ask. */
public interface ProcSource {
    /** Ids of all processes, ascending. */
    int[] pids();

    /** One process by its id; null when there is none. */
    ProcProcess process(int pid);

    /** Guest-physical memory in bytes. */
    long memoryBytes();

    /** Unused guest-physical memory in bytes. */
    long freeBytes();

    /** Bytes of files and shared memory that are in memory. */
    long cachedBytes();

    /** The swap areas, by number. */
    List<SwapArea> swapAreas();

    /** Room in the swap areas in bytes; 0 when there are none. */
    long swapBytes();

    /** Room of it that nothing is in. */
    long freeSwapBytes();

    /** Bytes that are in swap and in memory too. */
    long swapCachedBytes();

    /** Frames that there are, for /proc/kpageflags and /proc/kpagecount. */
    long frameCount();

    /** Entries of /proc/kpageflags from frame {@code first} on, as many as {@code out} takes. */
    void pageFlags(long first, long[] out);

    /** Entries of /proc/kpagecount from frame {@code first} on, as many as {@code out} takes. */
    void pageCounts(long first, long[] out);

    /** Bytes on one of reclaim's lists. @param list a number of {@link LruVec} */
    long lruBytes(int list);

    /** Lines of /proc/vmstat that this machine knows of, by name. */
    Map<String, Long> vmstat();

    /** Committed address space and its limit in bytes: Committed_AS and CommitLimit. */
    long committedBytes();

    long commitLimitBytes();

    /** How often the CPU went from one task to another. */
    long contextSwitches();

    /** Processes and threads made since the machine began. */
    long forks();

    /** Nanoseconds since the machine began. */
    long uptimeNanos();

    /** When the machine began, in seconds since 1970 of its own clock. */
    long bootSeconds();

    /** The kernel's release, as uname(2) has it. */
    String release();

    /** The kernel's version, as uname(2) has it. */
    String version();

    /** The processor's "model name" line and flags, of /proc/cpuinfo. */
    String cpuModel();

    List<String> cpuFlags();

    /**
     * A value under /proc/sys that the machine itself decides, such as {@code "vm/overcommit_memory"}; null for others.
     */
    String sysctl(String name);

    /** Changes such a value. Returns 0 or -errno. */
    long setSysctl(String name, String value);

    /** Settings that memory calls obey, for who changes them. */
    MmSysctl memorySettings();

    /** The pools of huge pages. */
    HugetlbPools hugetlb();

    /** Merging of pages of equal content. */
    Ksm ksm();

    /** The root control group; null for a machine without. */
    default CgroupNode cgroups() {
        return null;
    }

    /** /proc/cgroups. */
    default String controllers() {
        return "";
    }

    /** The guest's record locks. */
    RecordLocks recordLocks();

    /** The text of a file of /proc/sysvipc: shm, sem or msg; null for others. */
    Supplier<String> sysvipc(String kind);
}
