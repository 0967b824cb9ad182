package faultline.mmu.swap;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.memcg.MemCgroup;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.LongPredicate;
import java.util.function.ToLongFunction;

/**
 * The swap areas of the machine: by number, as swap entries name them, and by priority, as slots are given.
 *
 * <pre>
 *   swapon ──▶ open: slots are given ── swapoff ──▶ withdrawn: pages are brought back ── none left ──▶ gone
 *                      ▲                                              │
 *                      └────────── ENOMEM, EINTR ◀────────────────────┘
 * </pre>
 *
 * <p>{@code SWAP_LOCK} guards all changes; counts and the area of a number are read without it. An area that a swap
 * entry of a locked page table names, or whose slot has a page in the swap cache, stays.
 */
public final class SwapAreas {
    private static final LockClass LOCK_CLASS = new LockClass("swap", LockRank.SWAP_LOCK);

    /** How many areas there may be: 2^5 without the entries that stand for something else (MAX_SWAPFILES). */
    static final int MAX = 28;
    /** Asks for the next priority below those that were given to others that asked for none: -2, -3, … */
    public static final int ANY_PRIORITY = -1;

    private final SpinLock lock = new SpinLock(LOCK_CLASS);
    private final AtomicReferenceArray<SwapArea> byType = new AtomicReferenceArray<>(MAX);
    /** The open areas, highest priority first; of those with the same, the one that gave a slot least recently. */
    private final List<SwapArea> open = new ArrayList<>();

    private int leastPriority = ANY_PRIORITY;
    private volatile long total;
    private volatile long free;
    private LongConsumer totalListener = pages -> {};

    SwapAreas() {}

    /** Guards areas, slots and the swap cache. */
    SpinLock lock() {
        return lock;
    }

    /** The area of a number; null when there is none. */
    SwapArea get(int type) {
        return type < MAX ? byType.get(type) : null;
    }

    /** Those that there are, by number. */
    public List<SwapArea> all() {
        List<SwapArea> all = new ArrayList<>();
        for (int type = 0; type < MAX; type++) {
            SwapArea area = byType.get(type);
            if (area != null) {
                all.add(area);
            }
        }
        return all;
    }

    /** Whether there can be no more: EPERM. */
    public boolean areFull() {
        return all().size() == MAX;
    }

    /** Slots that can be given. */
    long free() {
        return free;
    }

    /** Adds up something of all areas. */
    long sum(ToLongFunction<SwapArea> count) {
        lock.lock();
        try {
            return all().stream().mapToLong(count).sum();
        } finally {
            lock.unlock();
        }
    }

    /** Tells {@code listener}, now and whenever it changes, for how many pages there is room; with a spin lock held. */
    public void setTotalListener(LongConsumer listener) {
        lock.lock();
        try {
            totalListener = listener;
            listener.accept(total);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Adds an area, of which slots are given at once.
     *
     * @param store where its pages are kept; closed when the area goes, or the machine
     * @param pages how many it has room for
     * @param priority 0 or more, or {@link #ANY_PRIORITY}
     * @return 0; -EPERM when there are too many; the store is still the caller's then
     */
    @KernelFunction("enable_swap_info")
    public long add(SwapStore store, int pages, int priority) {
        lock.lock();
        try {
            for (int type = 0; type < MAX; type++) {
                if (byType.get(type) == null) {
                    SwapArea area = new SwapArea(this, type, store, pages + 1);
                    byType.set(type, area);
                    open(area, priority);
                    return 0;
                }
            }
            return -Errno.EPERM;
        } finally {
            lock.unlock();
        }
    }

    @KernelFunction("_enable_swap_info")
    @RequiresLock("SWAP_LOCK")
    private void open(SwapArea area, int priority) {
        area.setPriority(priority >= 0 ? priority : --leastPriority);
        area.setOpen(true);
        enqueue(area);
        count(area, 1);
    }

    /** Behind those of its priority. */
    @KernelFunction("plist_add")
    private void enqueue(SwapArea area) {
        int at = open.size();
        while (at > 0 && open.get(at - 1).priority() < area.priority()) {
            at--;
        }
        open.add(at, area);
    }

    private void count(SwapArea area, int sign) {
        total += (long) sign * area.size();
        free += (long) sign * area.free();
        totalListener.accept(total);
    }

    /**
     * No more slots of the area are given.
     *
     * @param promise whether so many pages may be promised that will need memory; asked with a spin lock held
     * @return 0; -EINVAL when that was so before, or it is gone; -ENOMEM
     */
    @KernelFunction("del_from_avail_list")
    public int withdraw(SwapArea area, LongPredicate promise) {
        lock.lock();
        try {
            if (!area.isOpen()) {
                return -Errno.EINVAL;
            }
            if (!promise.test(area.size())) {
                return -Errno.ENOMEM;
            }
            if (area.priority() < 0) {
                for (SwapArea other : open.subList(open.indexOf(area) + 1, open.size())) {
                    other.setPriority(other.priority() + 1);
                }
                leastPriority++;
            }
            open.remove(area);
            area.setOpen(false);
            count(area, -1);
            return 0;
        } finally {
            lock.unlock();
        }
    }

    /** Undoes {@link #withdraw}; a priority that nobody had asked for is the lowest now. */
    @KernelFunction("reinsert_swap_info")
    public void reopen(SwapArea area) {
        lock.lock();
        try {
            open(area, area.priority());
        } finally {
            lock.unlock();
        }
    }

    /** The withdrawn area, of which no slot is in use, is no more, and its store is closed. */
    public void remove(SwapArea area) {
        lock.lock();
        try {
            if (area.isOpen() || area.inUse() != 0) {
                throw new IllegalStateException("swap area " + area.type() + " is in use");
            }
            byType.set(area.type(), null);
        } finally {
            lock.unlock();
        }
        area.store().close();
    }

    /**
     * Takes a slot of an area of the highest priority that has one.
     *
     * @param owner who is charged; null for the root group
     * @return a {@link SwapSlot}; -1 when there is none
     */
    @KernelFunction("swap_alloc_slow")
    @RequiresLock("SWAP_LOCK")
    long take(MemCgroup owner) {
        if (free == 0 || owner != null && !owner.chargeSwap()) {
            return -1;
        }
        int at = 0;
        while (open.get(at).free() == 0) {
            at++;
        }
        SwapArea area = open.get(at);
        if (at + 1 < open.size() && open.get(at + 1).priority() == area.priority()) {
            open.remove(at);
            enqueue(area);
        }
        free--;
        return SwapSlot.of(area.type(), area.take(owner));
    }

    /** A slot of the area became free. */
    @KernelFunction("swap_range_free")
    @RequiresLock("SWAP_LOCK")
    void freed(SwapArea area) {
        if (area.isOpen()) {
            free++;
        }
    }

    /**
     * Takes a slot for a page of a memory file. @param owner as of {@link #take} @return a {@link SwapSlot}; -1 when
     * there is none
     */
    long takeForFile(MemCgroup owner) {
        lock.lock();
        try {
            long slot = take(owner);
            if (slot > 0) {
                get(SwapSlot.type(slot)).setFiled(SwapSlot.offset(slot));
            }
            return slot;
        } finally {
            lock.unlock();
        }
    }

    /** Gives such a slot back. */
    void freeForFile(long slot) {
        lock.lock();
        try {
            get(SwapSlot.type(slot)).dropFiled(SwapSlot.offset(slot));
        } finally {
            lock.unlock();
        }
    }

    /** Compares the counts with the areas. */
    @RequiresLock("SWAP_LOCK")
    void audit(Consumer<String> report) {
        long room = open.stream().mapToLong(SwapArea::size).sum();
        long left = open.stream().mapToLong(SwapArea::free).sum();
        if (room != total || left != free) {
            report.accept("of " + total + " swap slots " + free + " count as free, of " + room + " there are " + left);
        }
    }
}
