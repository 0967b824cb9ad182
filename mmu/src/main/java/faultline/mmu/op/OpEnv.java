package faultline.mmu.op;

import faultline.mmu.fault.FaultEnv;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.fault.ForkCopy;
import faultline.mmu.fault.Zap;
import faultline.mmu.file.PageCache;
import faultline.mmu.gup.GetUserPages;
import faultline.mmu.gup.Populate;
import faultline.mmu.hugetlb.HugetlbPools;
import faultline.mmu.ksm.Ksm;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.swap.Reclaimer;
import faultline.mmu.table.MoveHook;
import faultline.mmu.table.MoveMode;
import faultline.mmu.table.PageTableReaper;
import faultline.mmu.table.PageTables;
import faultline.mmu.tlb.MmuGather;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;

/** What of the machine the operations work on; one object a machine. */
public final class OpEnv {
    final PageTables tables;
    final PageTableReaper reaper;
    final MoveMode moveMode;
    final FaultEnv faultEnv;
    final FaultHandler faults;
    final Zap zap;
    final ForkCopy forkCopy;
    final Populate populate;
    final Reclaimer reclaimer;
    final HugetlbPools hugetlb;
    final Ksm ksm;
    /**
     * For tests: what stands between the mover and the locks it takes, which can leave a rule out and see what for it
     * is.
     */
    volatile UnaryOperator<MoveHook> moveHook = UnaryOperator.identity();

    private final AtomicReference<MmuGather> spareGather = new AtomicReference<>();

    /** Puts together what {@code faults} works on and what is built on it. */
    public OpEnv(
            FaultHandler faults,
            Zap zap,
            ForkCopy forkCopy,
            GetUserPages gup,
            Reclaimer reclaimer,
            HugetlbPools hugetlb,
            MoveMode moveMode) {
        this.faults = faults;
        this.faultEnv = faults.env();
        this.tables = faultEnv.tables();
        this.reaper = new PageTableReaper(tables);
        this.moveMode = moveMode;
        this.zap = zap;
        this.forkCopy = forkCopy;
        this.reclaimer = reclaimer;
        this.hugetlb = hugetlb;
        this.ksm = new Ksm(faultEnv);
        this.populate = new Populate(gup);
    }

    /** Same-page merging. */
    public Ksm ksm() {
        return ksm;
    }

    PageCache cache() {
        return faultEnv.cache();
    }

    /** A gather that has begun; hand it to {@link #finish}. */
    MmuGather gather(MmStruct mm, boolean wholeSpace) {
        MmuGather spare = spareGather.getAndSet(null);
        // Asked for anew at each frame: whoever runs code from frames may be plugged in after the first operation.
        MmuGather gather = spare != null
                ? spare
                : new MmuGather(
                        tables.memory(), pfn -> cache().instructionCache().flushFrame(pfn));
        gather.begin(mm.tlb(), wholeSpace);
        return gather;
    }

    /** Flushes and frees what was gathered, and keeps the object, with its list grown, for the next operation. */
    void finish(MmuGather gather) {
        gather.finish();
        spareGather.set(gather);
    }
}
