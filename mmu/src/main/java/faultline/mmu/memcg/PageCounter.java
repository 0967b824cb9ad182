package faultline.mmu.memcg;

import faultline.mmu.annotation.KernelFunction;
import java.util.concurrent.atomic.AtomicLong;

/** Pages that a group and those below it have, with a limit. Any thread. */
@KernelFunction(value = "struct page_counter", file = "mm/page_counter.c")
public final class PageCounter {
    /** No limit. */
    public static final long MAX = Long.MAX_VALUE >>> 12;

    private final PageCounter parent;
    private final AtomicLong usage = new AtomicLong();
    private volatile long max = MAX;
    private volatile long peak;

    PageCounter(PageCounter parent) {
        this.parent = parent;
    }

    /** Pages charged now. */
    @KernelFunction("page_counter_read")
    public long usage() {
        return usage.get();
    }

    /** The most pages that ever were charged at once; to within what racing threads charge. */
    public long peak() {
        return peak;
    }

    /** Most pages. */
    public long max() {
        return max;
    }

    /** Sets the limit; what is over it stays charged. */
    @KernelFunction("page_counter_set_max")
    public void setMax(long pages) {
        max = pages;
    }

    /**
     * Charges pages here and in all counters above.
     *
     * @return null; or the counter that would be over its limit, nothing being charged then
     */
    @KernelFunction("page_counter_try_charge")
    PageCounter tryCharge(long pages) {
        for (PageCounter at = this; at != null; at = at.parent) {
            long now = at.usage.addAndGet(pages);
            if (now > at.max) {
                at.usage.addAndGet(-pages);
                uncharge(pages, at);
                return at;
            }
            if (now > at.peak) {
                at.peak = now;
            }
        }
        return null;
    }

    /** Takes a charge back, here and in all counters above. */
    @KernelFunction("page_counter_uncharge")
    void uncharge(long pages) {
        uncharge(pages, null);
    }

    private void uncharge(long pages, PageCounter end) {
        for (PageCounter at = this; at != end; at = at.parent) {
            long left = at.usage.addAndGet(-pages);
            if (left < 0) {
                throw new IllegalStateException("a group gives back " + -left + " pages more than it was charged");
            }
        }
    }
}
