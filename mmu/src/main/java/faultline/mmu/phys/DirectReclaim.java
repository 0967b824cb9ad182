package faultline.mmu.phys;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.lock.SpinWait;

/**
 * What an allocation does that finds no free frame: it frees some itself, waits for others who do, and in the end asks
 * that somebody be killed. Before each step it tries again.
 */
final class DirectReclaim {
    /** Above this order an allocation fails rather than that somebody is killed for it. */
    private static final int COSTLY_ORDER = 3;
    /** How often reclaim may free nothing before memory is said to be out (MAX_RECLAIM_RETRIES). */
    private static final int RETRIES = 16;
    /** What is waited the first time that it has, twice as long each time after. */
    private static final long FIRST_WAIT_NANOS = 100_000;

    private static final long LONGEST_WAIT_NANOS = 10_000_000;

    private final FrameAllocator allocator;
    private volatile FrameReclaim reclaimer;

    /** Set while the thread reclaims: what it allocates then must not reclaim again (PF_MEMALLOC). */
    private final ThreadLocal<Boolean> reclaiming = new ThreadLocal<>();

    DirectReclaim(FrameAllocator allocator) {
        this.allocator = allocator;
    }

    /** Says who frees frames; null for nobody. */
    void set(FrameReclaim newReclaimer) {
        reclaimer = newReclaimer;
    }

    /** Frames run low: the background thread should start. */
    void wake() {
        FrameReclaim freeing = reclaimer;
        if (freeing != null) {
            freeing.wake();
        }
    }

    /** Takes a block of 2^order frames bearing {@code flags}. @return its first, or -1 when none can be had */
    @KernelFunction("__alloc_pages_slowpath")
    long alloc(int order, int flags) {
        long pfn = takeDrained(order, flags);
        wake();
        if (reclaiming.get() != null) {
            // Reclaim is let into the reserve: it frees more than it takes.
            return pfn >= 0 ? pfn : allocator.takeListed(order, false, flags);
        }
        FrameReclaim freeing = reclaimer;
        int fruitless = 0;
        while (pfn < 0 && freeing != null) {
            fruitless = reclaim(freeing, order) ? 0 : fruitless + 1;
            // Others may have freed some as well.
            pfn = takeDrained(order, flags);
            if (pfn < 0 && fruitless != 0 && !triesAgain(freeing, order, fruitless)) {
                if (order > COSTLY_ORDER || !freeing.outOfMemory(order)) {
                    break;
                }
                fruitless = 0;
            }
        }
        return pfn;
    }

    private long takeDrained(int order, int flags) {
        allocator.drainCaches();
        return allocator.takeListed(order, true, flags);
    }

    @KernelFunction("__alloc_pages_direct_reclaim")
    private boolean reclaim(FrameReclaim freeing, int order) {
        reclaiming.set(Boolean.TRUE);
        try {
            return freeing.reclaim(order) > 0;
        } finally {
            reclaiming.remove();
        }
    }

    /**
     * Whether it is worth trying again after reclaim has freed nothing: it is while there are pages that could go, and
     * only somebody has them in his hands just now: a process that ends has all of its own until they are free, and
     * may have lost its processor meanwhile ({@code SwapRaceTest}: what ends while it is swapped out). So that he gets
     * on, this waits a little, as reclaim_throttle does.
     */
    @KernelFunction("should_reclaim_retry")
    private boolean triesAgain(FrameReclaim freeing, int order, int fruitless) {
        long could = allocator.freeFrames() + freeing.reclaimable() - (1L << order);
        if (order > COSTLY_ORDER || fruitless > RETRIES || could < allocator.minWatermark()) {
            return false;
        }
        SpinWait.rest(Math.min(FIRST_WAIT_NANOS << fruitless - 1, LONGEST_WAIT_NANOS));
        return true;
    }
}
