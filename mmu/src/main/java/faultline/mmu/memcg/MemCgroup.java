package faultline.mmu.memcg;

import faultline.mmu.annotation.KernelFunction;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * One group of processes, as far as their memory goes: limits, charges, events. Never the root group, which has none.
 * Sizes are in pages.
 *
 * <p>It outlives its removal: what was charged to it stays charged here and above until it is free.
 */
@KernelFunction(value = "struct mem_cgroup", file = "include/linux/memcontrol.h")
public final class MemCgroup {
    /** What memory.events counts, in its order. */
    public enum Event {
        LOW,
        HIGH,
        MAX,
        OOM,
        OOM_KILL,
        OOM_GROUP_KILL;

        /** As the file has it. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final MemCgroup parent;
    private final PageCounter memory;
    private final PageCounter swap;
    private final AtomicLongArray events = new AtomicLongArray(Event.values().length);
    private final AtomicLongArray localEvents = new AtomicLongArray(Event.values().length);
    private final AtomicLong swapMax = new AtomicLong();
    private final AtomicLong swapFail = new AtomicLong();
    /** Where reclaim of this group goes on. */
    private final AtomicLong hand = new AtomicLong();

    private volatile long high = PageCounter.MAX;
    private volatile long low;
    private volatile long min;
    private volatile boolean oomGroup;

    MemCgroup(MemCgroup parent) {
        this.parent = parent;
        this.memory = new PageCounter(parent == null ? null : parent.memory);
        this.swap = new PageCounter(parent == null ? null : parent.swap);
    }

    /** The group above; null below the root. */
    public MemCgroup parent() {
        return parent;
    }

    /** Pages in memory. */
    public PageCounter memory() {
        return memory;
    }

    /** Slots of the swap area. */
    public PageCounter swap() {
        return swap;
    }

    /** Above this, whoever charges reclaims first. */
    public long high() {
        return high;
    }

    /** Sets memory.high, in pages. */
    public void setHigh(long pages) {
        high = pages;
    }

    /** memory.low, in pages: kept and shown, protects nothing. */
    public long low() {
        return low;
    }

    /** Sets memory.low, in pages. */
    public void setLow(long pages) {
        low = pages;
    }

    /** memory.min, in pages: kept and shown, protects nothing. */
    public long min() {
        return min;
    }

    /** Sets memory.min, in pages. */
    public void setMin(long pages) {
        min = pages;
    }

    /** Whether all processes of the group go when one of them is killed for want of memory. */
    public boolean oomGroup() {
        return oomGroup;
    }

    /** Sets memory.oom.group. */
    public void setOomGroup(boolean together) {
        oomGroup = together;
    }

    /** Whether this is {@code ancestor} or below it. */
    @KernelFunction("mem_cgroup_is_descendant")
    public boolean isIn(MemCgroup ancestor) {
        MemCgroup at = this;
        while (at != null && at != ancestor) {
            at = at.parent;
        }
        return at != null;
    }

    /** The group, this or one above, that a counter of {@link #memory} belongs to. */
    MemCgroup ownerOf(PageCounter counter) {
        MemCgroup at = this;
        while (at.memory != counter) {
            at = at.parent;
        }
        return at;
    }

    /** Counts an event, here and in the groups above. */
    @KernelFunction("memcg_memory_event")
    public void count(Event event) {
        localEvents.incrementAndGet(event.ordinal());
        for (MemCgroup at = this; at != null; at = at.parent) {
            at.events.incrementAndGet(event.ordinal());
        }
    }

    /** Events of this group and of those below. */
    public long events(Event event) {
        return events.get(event.ordinal());
    }

    /** Events of this group alone. */
    public long localEvents(Event event) {
        return localEvents.get(event.ordinal());
    }

    /** Slots refused for the limit of swap. */
    public long swapMaxEvents() {
        return swapMax.get();
    }

    /** Slots that were not to be had, for whatever reason. */
    public long swapFailEvents() {
        return swapFail.get();
    }

    /** Whether a page of this group may go to swap. */
    @KernelFunction("mem_cgroup_get_nr_swap_pages")
    public boolean maySwap() {
        for (MemCgroup at = this; at != null; at = at.parent) {
            if (at.swap.usage() >= at.swap.max()) {
                return false;
            }
        }
        return true;
    }

    /** Charges a slot. @return false over the limit */
    @KernelFunction("__mem_cgroup_try_charge_swap")
    public boolean chargeSwap() {
        if (swap.tryCharge(1) == null) {
            return true;
        }
        swapMax.incrementAndGet();
        swapFail.incrementAndGet();
        return false;
    }

    /** A slot is free, or was not to be had after all. */
    @KernelFunction("__mem_cgroup_uncharge_swap")
    public void unchargeSwap() {
        swap.uncharge(1);
    }

    /** Takes the next frames from under this group's hand. @return the first of {@code frames} */
    public long advance(int frames) {
        return hand.getAndAdd(frames);
    }
}
