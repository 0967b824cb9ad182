package faultline.mmu.system;

import faultline.mmu.mm.CommitAccount;
import faultline.mmu.mm.RemapMode;
import faultline.mmu.mm.ThpMode;
import faultline.mmu.table.MoveMode;
import faultline.mmu.table.PtlMode;
import java.util.function.Consumer;

/** What a machine's memory is like; immutable, changed by the {@code with…} methods. */
public final class MemoryConfig implements Cloneable {
    private long memBytes = 1L << 30;
    private PtlMode ptl = PtlMode.SPLIT;
    private MoveMode move = MoveMode.PMD;
    private CommitAccount.Mode overcommit = CommitAccount.Mode.HEURISTIC;
    private int overcommitRatio = 50;
    private int maxMapCount = 65_530;
    private long mmapMinAddr = 65_536;
    private long swapBytes;
    private boolean kswapd;
    private ThpMode thp = ThpMode.MADVISE;
    private RemapMode remap = RemapMode.EMULATE;

    private MemoryConfig() {}

    /** 1 GiB, and the settings a Linux kernel starts with. */
    public static MemoryConfig defaults() {
        return new MemoryConfig();
    }

    private MemoryConfig with(Consumer<MemoryConfig> change) {
        try {
            MemoryConfig copy = (MemoryConfig) clone();
            change.accept(copy);
            return copy;
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    /** Guest memory in bytes, a multiple of 2 MiB. */
    public long memBytes() {
        return memBytes;
    }

    public MemoryConfig withMemBytes(long bytes) {
        return with(c -> c.memBytes = bytes);
    }

    /** Which lock guards page tables. */
    public PtlMode ptl() {
        return ptl;
    }

    public MemoryConfig withPtl(PtlMode mode) {
        return with(c -> c.ptl = mode);
    }

    /** How mremap moves entries. */
    public MoveMode move() {
        return move;
    }

    public MemoryConfig withMove(MoveMode mode) {
        return with(c -> c.move = mode);
    }

    /** vm.overcommit_memory. */
    public CommitAccount.Mode overcommit() {
        return overcommit;
    }

    /** vm.overcommit_ratio, per cent. */
    public int overcommitRatio() {
        return overcommitRatio;
    }

    public MemoryConfig withOvercommit(CommitAccount.Mode mode, int ratio) {
        return with(c -> {
            c.overcommit = mode;
            c.overcommitRatio = ratio;
        });
    }

    /** vm.max_map_count. */
    public int maxMapCount() {
        return maxMapCount;
    }

    public MemoryConfig withMaxMapCount(int count) {
        return with(c -> c.maxMapCount = count);
    }

    /** vm.mmap_min_addr. */
    public long mmapMinAddr() {
        return mmapMinAddr;
    }

    public MemoryConfig withMmapMinAddr(long address) {
        return with(c -> c.mmapMinAddr = address);
    }

    /** Room in the swap area in bytes, 0 for none. */
    public long swapBytes() {
        return swapBytes;
    }

    public MemoryConfig withSwapBytes(long bytes) {
        return with(c -> c.swapBytes = bytes);
    }

    /** Whether a thread frees frames in the background, and not only those who need them. */
    public boolean kswapd() {
        return kswapd;
    }

    public MemoryConfig withKswapd(boolean on) {
        return with(c -> c.kswapd = on);
    }

    /** Which anonymous memory is mapped by huge pages. */
    public ThpMode thp() {
        return thp;
    }

    public MemoryConfig withThp(ThpMode mode) {
        return with(c -> c.thp = mode);
    }

    /** What remap_file_pages makes of a mapping. */
    public RemapMode remap() {
        return remap;
    }

    public MemoryConfig withRemap(RemapMode mode) {
        return with(c -> c.remap = mode);
    }
}
