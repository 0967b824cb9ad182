package faultline.mmu.system;

import faultline.mmu.mm.CommitAccount;
import faultline.mmu.mm.ThpMode;
import faultline.mmu.table.MoveMode;
import faultline.mmu.table.PtlMode;

/**
 * What a machine's memory is like; immutable, changed by the {@code with…} methods.
 *
 * @param memBytes guest memory, a multiple of 2 MiB
 * @param ptl which lock guards page tables
 * @param move how mremap moves entries
 * @param overcommit vm.overcommit_memory
 * @param overcommitRatio vm.overcommit_ratio, per cent
 * @param maxMapCount vm.max_map_count
 * @param mmapMinAddr vm.mmap_min_addr
 * @param swapBytes room in the swap area, 0 for none
 * @param kswapd whether a thread frees frames in the background, and not only those who need them
 * @param thp which anonymous memory is mapped by huge pages
 */
public record MemoryConfig(
        long memBytes,
        PtlMode ptl,
        MoveMode move,
        CommitAccount.Mode overcommit,
        int overcommitRatio,
        int maxMapCount,
        long mmapMinAddr,
        long swapBytes,
        boolean kswapd,
        ThpMode thp) {
    private static final long DEFAULT_BYTES = 1L << 30;

    /** 1 GiB, and the settings a Linux kernel starts with. */
    public static MemoryConfig defaults() {
        return new MemoryConfig(
                DEFAULT_BYTES,
                PtlMode.SPLIT,
                MoveMode.PMD,
                CommitAccount.Mode.HEURISTIC,
                50,
                65_530,
                65_536,
                0,
                false,
                ThpMode.MADVISE);
    }

    public MemoryConfig withMemBytes(long bytes) {
        return new MemoryConfig(
                bytes, ptl, move, overcommit, overcommitRatio, maxMapCount, mmapMinAddr, swapBytes, kswapd, thp);
    }

    public MemoryConfig withPtl(PtlMode mode) {
        return new MemoryConfig(
                memBytes, mode, move, overcommit, overcommitRatio, maxMapCount, mmapMinAddr, swapBytes, kswapd, thp);
    }

    public MemoryConfig withMove(MoveMode mode) {
        return new MemoryConfig(
                memBytes, ptl, mode, overcommit, overcommitRatio, maxMapCount, mmapMinAddr, swapBytes, kswapd, thp);
    }

    public MemoryConfig withOvercommit(CommitAccount.Mode mode, int ratio) {
        return new MemoryConfig(memBytes, ptl, move, mode, ratio, maxMapCount, mmapMinAddr, swapBytes, kswapd, thp);
    }

    public MemoryConfig withMaxMapCount(int count) {
        return new MemoryConfig(
                memBytes, ptl, move, overcommit, overcommitRatio, count, mmapMinAddr, swapBytes, kswapd, thp);
    }

    public MemoryConfig withMmapMinAddr(long address) {
        return new MemoryConfig(
                memBytes, ptl, move, overcommit, overcommitRatio, maxMapCount, address, swapBytes, kswapd, thp);
    }

    public MemoryConfig withSwapBytes(long bytes) {
        return new MemoryConfig(
                memBytes, ptl, move, overcommit, overcommitRatio, maxMapCount, mmapMinAddr, bytes, kswapd, thp);
    }

    public MemoryConfig withKswapd(boolean on) {
        return new MemoryConfig(
                memBytes, ptl, move, overcommit, overcommitRatio, maxMapCount, mmapMinAddr, swapBytes, on, thp);
    }

    public MemoryConfig withThp(ThpMode mode) {
        return new MemoryConfig(
                memBytes, ptl, move, overcommit, overcommitRatio, maxMapCount, mmapMinAddr, swapBytes, kswapd, mode);
    }
}
