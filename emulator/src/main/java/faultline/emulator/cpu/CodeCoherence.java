package faultline.emulator.cpu;

import static faultline.emulator.unicorn.UnicornConstants.UC_PROT_EXEC;
import static faultline.emulator.unicorn.UnicornConstants.UC_PROT_READ;
import static faultline.emulator.unicorn.UnicornConstants.UC_PROT_WRITE;

import faultline.mmu.table.PageWalker;
import faultline.mmu.tlb.InstructionCache;

/**
 * Which rights a TLB entry gets, so that translated code always equals memory: see {@link FrameStates}.
 *
 * <p>Executable entries never carry W, and data pages never X: stores to a page whose entry is executable would be
 * fifteen times slower. Not covered: an instruction that modifies a later one of its own block.
 */
final class CodeCoherence implements InstructionCache {
    /** Guest code of other engines was stopped meanwhile: look at the page tables again. */
    static final int WALK_AGAIN = -1;

    private static final int PAGE_SHIFT = 12;
    private static final long WRITABLE = 1L << 1;

    private final FrameStates frames;
    private final CpuPool pool;

    CodeCoherence(FrameStates frames, CpuPool pool) {
        this.frames = frames;
        this.pool = pool;
    }

    /**
     * Rights for a page that the walk allows.
     *
     * @param page virtual page number
     * @return {@code UC_PROT_*} bits, or {@link #WALK_AGAIN}
     */
    int grant(EngineCore core, Shootdown own, long entry, long page, int access) {
        long pfn = (entry & TlbFiller.FRAME_MASK) >>> PAGE_SHIFT;
        boolean writable = (entry & WRITABLE) != 0;
        boolean executable = PageWalker.isExec(entry);
        for (; ; ) {
            long record = frames.record(pfn);
            int state = FrameStates.state(record);
            if (access == GuestMemory.READ) {
                boolean here = state == FrameStates.CODE && isAt(record, core.id, page);
                if (here && executable) {
                    return UC_PROT_READ | UC_PROT_EXEC;
                }
                boolean data = writable && (state == FrameStates.DATA || state == FrameStates.NONE && !executable);
                if (!data) {
                    return UC_PROT_READ;
                }
            }
            int target = access == GuestMemory.FETCH ? FrameStates.CODE : FrameStates.DATA;
            boolean crosses = state != FrameStates.NONE && state != target;
            long next = state == target
                    ? FrameStates.merge(record, core.id, page)
                    : FrameStates.make(target, core.id, page);
            if (frames.change(pfn, record, next)) {
                if (crosses && forget(core, own, pfn, record, page)) {
                    return WALK_AGAIN;
                }
                return target == FrameStates.CODE ? UC_PROT_READ | UC_PROT_EXEC : UC_PROT_READ | UC_PROT_WRITE;
            }
        }
    }

    private static boolean isAt(long record, int engine, long page) {
        return FrameStates.engine(record) == engine && FrameStates.page(record) == page;
    }

    /**
     * Takes away what the old record says may be cached: entries, and code when it was a code frame.
     *
     * @return whether this engine served others meanwhile, so that its own walk may be stale
     */
    private boolean forget(EngineCore core, Shootdown own, long pfn, long record, long page) {
        boolean code = FrameStates.state(record) == FrameStates.CODE;
        int owner = FrameStates.engine(record);
        if (owner == core.id) {
            own.forgetOwn(pfn, code, FrameStates.page(record), page);
            return false;
        }
        if (owner == FrameStates.MANY_ENGINES) {
            own.forgetOwn(pfn, code, FrameStates.page(record), page);
        }
        core.leaveGuest(EngineCore.KERNEL);
        broadcast(core.id, owner, pfn, code, FrameStates.page(record));
        core.enterGuest();
        if (core.queue.isPending()) {
            own.serveInHook(-1);
        }
        return true;
    }

    private void broadcast(int self, int owner, long pfn, boolean code, long page) {
        for (CpuEngine engine : pool.engines()) {
            if (engine.id() != self && (owner == FrameStates.MANY_ENGINES || owner == engine.id())) {
                engine.shootdown().forget(pfn, code, page);
            }
        }
    }

    /** The kernel side writes a frame: its code must not run any more. Entries may stay. */
    @Override
    public void flushFrame(long pfn) {
        if (frames.covers(pfn)) {
            long record = frames.record(pfn);
            if (FrameStates.state(record) == FrameStates.CODE) {
                int owner = FrameStates.engine(record);
                for (CpuEngine engine : pool.engines()) {
                    if (owner == FrameStates.MANY_ENGINES || owner == engine.id()) {
                        engine.shootdown().forgetCode(pfn);
                    }
                }
            }
        }
    }
}
