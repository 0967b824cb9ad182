package faultline.emulator.fs;

import faultline.mmu.hugetlb.HugetlbPools;
import faultline.mmu.ksm.Ksm;
import faultline.mmu.mm.MmSysctl;
import faultline.mmu.swap.SwapArea;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** A machine with one process, 100, that has a thread 101. */
final class TestProc implements ProcSource {
    FdTable table;
    FsContext fs;
    HugetlbPools hugetlb;
    List<SwapArea> areas = List.of();

    @Override
    public MmSysctl memorySettings() {
        return new MmSysctl();
    }

    @Override
    public Ksm ksm() {
        return null; // nobody asks
    }

    @Override
    public HugetlbPools hugetlb() {
        return hugetlb;
    }

    @Override
    public Supplier<String> sysvipc(String kind) {
        return null;
    }

    @Override
    public int[] pids() {
        return new int[] {100};
    }

    @Override
    public ProcProcess process(int pid) {
        return pid == 100 ? new Only() : null;
    }

    @Override
    public long contextSwitches() {
        return 7;
    }

    @Override
    public long forks() {
        return 2;
    }

    @Override
    public long memoryBytes() {
        return 64L << 20;
    }

    @Override
    public long freeBytes() {
        return 32L << 20;
    }

    @Override
    public long cachedBytes() {
        return 0;
    }

    @Override
    public List<SwapArea> swapAreas() {
        return areas;
    }

    @Override
    public long swapBytes() {
        return 16L << 20;
    }

    @Override
    public long freeSwapBytes() {
        return 12L << 20;
    }

    @Override
    public long frameCount() {
        return 16384;
    }

    @Override
    public void pageFlags(long first, long[] out) {
        Arrays.setAll(out, i -> first + i);
    }

    @Override
    public void pageCounts(long first, long[] out) {
        Arrays.fill(out, 1);
    }

    @Override
    public long lruBytes(int list) {
        return (long) list << 20;
    }

    @Override
    public long swapCachedBytes() {
        return 1L << 20;
    }

    @Override
    public Map<String, Long> vmstat() {
        return Map.of("pswpin", 1L);
    }

    @Override
    public long committedBytes() {
        return 0;
    }

    @Override
    public long commitLimitBytes() {
        return 32L << 20;
    }

    @Override
    public long uptimeNanos() {
        return 1_500_000_000L;
    }

    @Override
    public long bootSeconds() {
        return 1;
    }

    @Override
    public String release() {
        return "6.0";
    }

    @Override
    public String version() {
        return "#1";
    }

    @Override
    public String cpuModel() {
        return "model";
    }

    @Override
    public List<String> cpuFlags() {
        return List.of("fpu", "sse2");
    }

    @Override
    public String sysctl(String name) {
        return name.equals("vm/overcommit_memory") ? "0" : null;
    }

    @Override
    public long setSysctl(String name, String value) {
        return 0;
    }

    private final class Only implements ProcProcess {
        @Override
        public String locks(OpenFile file) {
            return "";
        }

        @Override
        public int pid() {
            return 100;
        }

        @Override
        public int[] tids() {
            return new int[] {100, 101};
        }

        @Override
        public String executable() {
            return "/bin/sh";
        }

        @Override
        public FdTable files() {
            return table;
        }

        @Override
        public FsContext fs() {
            return fs;
        }

        @Override
        public boolean ownedByCaller() {
            return true;
        }

        @Override
        public List<String> texts() {
            return List.of("maps", "comm");
        }

        @Override
        public String text(String name, int tid) {
            return name + " of " + tid + "\n";
        }

        @Override
        public long write(String name, int tid, String text) {
            return 0;
        }

        @Override
        public long readMemory(long address, MemorySegment to, long length) {
            to.asSlice(0, length).fill((byte) address);
            return length;
        }

        @Override
        public long writeMemory(long address, MemorySegment from, long length) {
            return length;
        }

        @Override
        public void pagemap(long address, long[] entries) {
            Arrays.setAll(entries, i -> address + 4096L * i);
        }

        @Override
        public Map<String, String> mapFiles() {
            return Map.of("400000-401000", "/etc/hostname");
        }
    }

    @Override
    public RecordLocks recordLocks() {
        return new RecordLocks();
    }
}
