package faultline.mmu.mm;

import faultline.mmu.Errno;
import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * How much memory has been promised to all address spaces together (Committed_AS), and whether more may be.
 *
 * <p>{@link Mode#HEURISTIC} refuses only a single request larger than all memory and swap; {@link Mode#ALWAYS} refuses
 * nothing; {@link Mode#NEVER} keeps the sum within a share of memory plus swap.
 */
public final class CommitAccount {
    /** vm.overcommit_memory, in its order: 0, 1, 2. */
    public enum Mode {
        HEURISTIC,
        ALWAYS,
        NEVER
    }

    private volatile Mode mode;
    private final long ramPages;
    private volatile int ratio;
    private volatile long kbytes;
    private volatile long swapPages;
    private volatile LongSupplier pooledPages = () -> 0;
    private final AtomicLong committed = new AtomicLong();

    /**
     * @param mode vm.overcommit_memory
     * @param ramPages pages of memory
     * @param swapPages pages of swap
     * @param ratio vm.overcommit_ratio: per cent of memory that {@link Mode#NEVER} promises
     */
    public CommitAccount(Mode mode, long ramPages, long swapPages, int ratio) {
        this.mode = mode;
        this.ramPages = ramPages;
        this.swapPages = swapPages;
        this.ratio = ratio;
    }

    /** The policy in force (vm.overcommit_memory). */
    public Mode mode() {
        return mode;
    }

    /** Changes the rule (vm.overcommit_memory); what has been promised stays promised. */
    public void setMode(Mode newMode) {
        mode = newMode;
    }

    /** vm.overcommit_ratio, per cent. */
    public int ratio() {
        return ratio;
    }

    /** Sets the limit as a part of memory; one in KiB holds no longer. */
    @KernelFunction(value = "overcommit_ratio_handler", file = "mm/util.c")
    public void setRatio(int perCent) {
        ratio = perCent;
        kbytes = 0;
    }

    /** vm.overcommit_kbytes: the limit without swap in KiB; 0 where the ratio says it. */
    public long kbytes() {
        return kbytes;
    }

    /** Sets the limit in KiB, 0 for none of its own; but for that the ratio holds no longer. */
    @KernelFunction(value = "overcommit_kbytes_handler", file = "mm/util.c")
    public void setKbytes(long limit) {
        kbytes = limit;
        ratio = limit != 0 ? 0 : ratio;
    }

    /** Pages of swap, when that changes. */
    public void setSwapPages(long pages) {
        swapPages = pages;
    }

    /** Says how many pages of memory are in the pool of huge pages, which is promised by rules of its own. */
    public void setPooledPages(LongSupplier pages) {
        pooledPages = pages;
    }

    /** Pages promised. */
    public long committed() {
        return committed.get();
    }

    /** CommitLimit of /proc/meminfo, in pages. */
    @KernelFunction("vm_commit_limit")
    public long limit() {
        long own = kbytes;
        long memory = own != 0 ? own / (MmLayout.PAGE_SIZE >> 10) : (ramPages - pooledPages.getAsLong()) * ratio / 100;
        return memory + swapPages;
    }

    /**
     * Promises {@code pages} more.
     *
     * @return 0, or -ENOMEM with nothing promised
     */
    @KernelFunction(value = "__vm_enough_memory", file = "mm/util.c")
    @Injectable(value = "mm/enough_memory", error = -Errno.ENOMEM)
    public int charge(long pages) {
        if (mode == Mode.HEURISTIC && pages > ramPages + swapPages) {
            return -Errno.ENOMEM;
        }
        long now = committed.addAndGet(pages);
        if (mode == Mode.NEVER && now >= limit()) {
            committed.addAndGet(-pages);
            return -Errno.ENOMEM;
        }
        return 0;
    }

    /** Counts {@code pages} as promised without asking, where the caller cannot fail. */
    @KernelFunction("vm_acct_memory")
    public void force(long pages) {
        committed.addAndGet(pages);
    }

    /** Takes a promise of {@code pages} back. */
    @KernelFunction("vm_unacct_memory")
    public void uncharge(long pages) {
        committed.addAndGet(-pages);
    }
}
