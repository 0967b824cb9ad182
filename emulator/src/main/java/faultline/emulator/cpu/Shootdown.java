package faultline.emulator.cpu;

import faultline.mmu.lock.SpinWait;
import faultline.mmu.tlb.AddressSpaceTlb;

/**
 * Makes one engine forget TLB entries and translated code, from any thread.
 *
 * <p>A request is put into the queue. If the engine runs guest code just now, it is stopped, and the caller waits until
 * it has left that phase; in every other phase it is certain that the queue is looked at before guest code goes on
 * ({@link EngineCore#enterGuest} first publishes the phase, then reads the queue; here the queue is written first, then
 * the phase is read).
 *
 * <p>How pages are forgotten outside a hook: one by one with {@code invlpg} at privilege level 0, or all of them,
 * whichever is cheaper. Inside a hook always all, except for the page that the hook is about to fill, whose old entry
 * is replaced anyway.
 */
final class Shootdown implements AddressSpaceTlb {
    private static final int PAGE_SHIFT = 12;
    private static final long PAGE_MASK = -4096L;
    /**
     * Measured costs, in nanoseconds: entering the firmware, one page, one slot of a full flush, refilling one page.
     */
    private static final int ENTER_COST = 400;

    private static final int PAGE_COST = 80;
    private static final int SLOT_COST = 5;
    private static final int REFILL_COST = 130;
    /** Longest range that is looked through page by page, in sizes of the TLB. */
    private static final int LONGEST_SCAN = 4;

    private final EngineCore core;
    /** Not volatile: it matters only to the thread itself, which sees its own stores. */
    private Thread runner;
    /** The page under fill whose flush was left to the fill, or -1. */
    private long leftToFill = -1;

    Shootdown(EngineCore core) {
        this.core = core;
    }

    /** The thread that is inside the engine's run method, or null: it need not wait for itself. */
    void setRunner(Thread thread) {
        runner = thread;
    }

    @Override
    public void flushPage(long address) {
        flushRange(address & PAGE_MASK, (address & PAGE_MASK) + Firmware.PAGE);
    }

    @Override
    public void flushRange(long start, long end) {
        long request;
        synchronized (core.queue) {
            request = core.queue.addRange(start, end);
        }
        await(request);
    }

    @Override
    public void flushAll() {
        long request;
        synchronized (core.queue) {
            request = core.queue.addAll();
        }
        await(request);
    }

    /** Forgets the code of a frame, not its entries. */
    void forgetCode(long pfn) {
        long request;
        synchronized (core.queue) {
            request = core.queue.addFrame(pfn);
        }
        await(request);
    }

    /** Forgets the entries of a frame, at one page or, for {@code MANY_PAGES}, anywhere, and its code. */
    void forget(long pfn, boolean code, long page) {
        long request;
        synchronized (core.queue) {
            if (code) {
                core.queue.addFrame(pfn);
            }
            request = page == FrameStates.MANY_PAGES
                    ? core.queue.addAll()
                    : core.queue.addRange(page << PAGE_SHIFT, (page << PAGE_SHIFT) + Firmware.PAGE);
        }
        await(request);
    }

    private void await(long request) {
        if (core.phase() != EngineCore.GUEST || runner == Thread.currentThread()) {
            return;
        }
        int step = 0;
        while (core.phase() == EngineCore.GUEST && core.queue.served() < request) {
            core.stopFromOutside(); // again and again: a stop that comes before the start is lost
            step = SpinWait.pause(step);
        }
    }

    /** For the engine's own hook: a frame changes between code and data while {@code filling} is being filled. */
    void forgetOwn(long pfn, boolean code, long page, long filling) {
        boolean replaced = page == filling;
        if (code) {
            core.removeTranslations(pfn);
            // The window's entry would let user code see the frame: gone with a full flush only
            core.flushTlb();
        } else if (!replaced && (page == FrameStates.MANY_PAGES || core.tlb.mayHold(page))) {
            core.flushTlb();
        }
    }

    /**
     * Serves the queue inside the fill hook, in phase GUEST.
     *
     * @param filling the page that the hook will fill, or -1
     */
    void serveInHook(long filling) {
        FlushQueue queue = core.queue;
        synchronized (queue) {
            if (queue.everyTranslation()) {
                // Not possible inside a hook: leave all to serveOutside, before the instruction is executed
                core.flushTlb();
                core.unicorn.stop();
                return;
            }
            if (queue.isOnlyPage(filling)) {
                leftToFill = filling;
            } else {
                for (int i = 0; i < queue.frameCount(); i++) {
                    core.removeTranslations(queue.frame(i));
                }
                core.flushTlb();
                core.stats.fullFlushes++;
            }
            queue.clear();
        }
    }

    /**
     * The fill hook ends: an entry was filled, or the access was refused and what was left to the fill is still due.
     */
    void endFill(boolean filled) {
        if (leftToFill != -1) {
            if (!filled) {
                flushPage(leftToFill);
            }
            leftToFill = -1;
        }
    }

    /** Serves the queue while no hook runs, in phase GUEST. */
    void serveOutside() {
        FlushQueue queue = core.queue;
        synchronized (queue) {
            if (queue.everyTranslation()) {
                core.unicorn.flushTranslations();
                core.stats.codeFlushes++;
            }
            int frames = queue.everyTranslation() ? 0 : queue.frameCount();
            int pages = queue.everyPage() ? Integer.MAX_VALUE : countPages(queue);
            if (isFullCheaper(pages)) {
                for (int i = 0; i < frames; i++) {
                    core.removeTranslations(queue.frame(i));
                }
                core.flushTlb();
                core.stats.fullFlushes++;
            } else if (pages > 0 || frames > 0) {
                core.beginKernel();
                for (int i = 0; i < frames; i++) {
                    core.removeTranslations(queue.frame(i));
                }
                boolean done = flushPages(queue);
                core.endKernel();
                if (!done) {
                    core.flushTlb();
                    core.stats.fullFlushes++;
                }
            }
            queue.clear();
        }
    }

    private int countPages(FlushQueue queue) {
        int pages = 0;
        for (int i = 0; i < queue.rangeCount(); i++) {
            core.stats.rangeFlushes++;
            long first = queue.start(i) >>> PAGE_SHIFT;
            long end = queue.end(i) + Firmware.PAGE - 1 >>> PAGE_SHIFT;
            if (core.tlb.used() > 0 && end - first > (long) LONGEST_SCAN * core.tlb.size()) {
                return Integer.MAX_VALUE; // looking at every page would take longer than a full flush
            }
            pages += core.tlb.countIn(first, end);
        }
        return pages;
    }

    private boolean isFullCheaper(int pages) {
        if (pages == Integer.MAX_VALUE) {
            return true;
        }
        long one = ENTER_COST + (long) pages * PAGE_COST;
        long all = (long) core.tlb.size() * SLOT_COST + (long) Math.max(0, core.tlb.used() - pages) * REFILL_COST;
        return pages > 0 && all < one;
    }

    /** Runs {@code invlpg} for each page that may have an entry; false when another thread's stop came between. */
    private boolean flushPages(FlushQueue queue) {
        boolean done = true;
        int count = 0;
        for (int i = 0; i < queue.rangeCount() && core.tlb.used() > 0; i++) {
            for (long address = queue.start(i); address < queue.end(i); address += Firmware.PAGE) {
                if (core.tlb.mayHold(address >>> PAGE_SHIFT)) {
                    core.firmware.setPage(count++, address);
                    core.stats.pageFlushes++;
                    if (count == Firmware.PAGE_LIST_ENTRIES) {
                        done &= core.invalidatePages(count);
                        count = 0;
                    }
                }
            }
        }
        return count == 0 ? done : core.invalidatePages(count) & done;
    }
}
