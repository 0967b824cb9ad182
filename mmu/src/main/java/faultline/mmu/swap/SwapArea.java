package faultline.mmu.swap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.memcg.MemCgroup;
import faultline.mmu.phys.FrameTable;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.Consumer;

/**
 * The slots of one swap area: how many page-table entries stand for each, and which frame holds its page in the swap
 * cache.
 *
 * <p>A slot is free when it has neither. Not thread-safe but for what is public: whoever changes it holds
 * {@code SWAP_LOCK}.
 */
@KernelFunction("struct swap_info_struct")
public final class SwapArea {
    private static final int NONE = -1;

    private final SwapAreas areas;
    private final int type;
    private final SwapStore store;
    private volatile int priority;
    /** Whether slots are given (SWP_WRITEOK): until swapoff begins. */
    private volatile boolean open;

    private final int[] users;
    /** Frame, or {@link #NONE}. */
    private final int[] cached;

    /** Slots that a memory file has, and no page-table entry. */
    private final BitSet filed = new BitSet();

    /** Who is charged for each slot; null before there is a group. */
    private volatile MemCgroup[] owners;

    private volatile int free;
    /** Where the search for a free slot goes on: slots are given in a row, so that they are written in a row. */
    private int hint;

    /**
     * @param areas told of each slot that becomes free
     * @param type its number among the areas
     * @param store where its pages are
     * @param slots number of slots; slot 0 is not used: it holds the header
     */
    SwapArea(SwapAreas areas, int type, SwapStore store, int slots) {
        this.areas = areas;
        this.type = type;
        this.store = store;
        users = new int[slots];
        cached = new int[slots];
        Arrays.fill(cached, NONE);
        free = slots - 1;
    }

    /** Its number among the areas, as swap entries have it. */
    public int type() {
        return type;
    }

    /** Where its pages are. */
    public SwapStore store() {
        return store;
    }

    /** Slots of the area with the highest are given first; below 0 when nobody has asked for one. */
    public int priority() {
        return priority;
    }

    void setPriority(int priority) {
        this.priority = priority;
    }

    boolean isOpen() {
        return open;
    }

    void setOpen(boolean open) {
        this.open = open;
    }

    /** Slots that there are for use. */
    public int size() {
        return users.length - 1;
    }

    /** Slots that hold a page, or whose page is in the swap cache. */
    @KernelFunction("swap_usage_in_pages")
    public int inUse() {
        return size() - free;
    }

    int free() {
        return free;
    }

    boolean isValid(long slot) {
        return slot > 0 && slot < users.length;
    }

    boolean isFree(int slot) {
        return users[slot] == 0 && cached[slot] == NONE;
    }

    /**
     * Finds a free slot, of which there is one; it is the caller's to give a user or a cached page.
     *
     * @param owner who has been charged; null for the root group
     */
    @KernelFunction("cluster_alloc_swap_entry")
    @RequiresLock("SWAP_LOCK")
    int take(MemCgroup owner) {
        do {
            hint = hint + 1 == users.length ? 1 : hint + 1;
        } while (!isFree(hint));
        free--;
        if (owner != null) {
            owners = owners == null ? new MemCgroup[users.length] : owners;
            owners[hint] = owner;
        }
        return hint;
    }

    /** The group that a slot is charged to; null for the root group. */
    MemCgroup owner(int slot) {
        MemCgroup[] all = owners;
        return all == null ? null : all[slot];
    }

    private void freed(int slot) {
        free++;
        areas.freed(this);
        MemCgroup owner = owner(slot);
        if (owner != null) {
            owners[slot] = null;
            owner.unchargeSwap();
        }
    }

    private boolean isFiled(int slot) {
        return filed.get(slot);
    }

    /** A slot that was just taken has a page of a memory file, which is its only user. */
    @RequiresLock("SWAP_LOCK")
    void setFiled(int slot) {
        users[slot] = 1;
        filed.set(slot);
    }

    /**
     * The first slot from {@code from} on whose page is in the swap cache, as it looks without a lock; -1 when there
     * is none.
     */
    int nextCached(int from) {
        for (int slot = from; slot <= size(); slot++) {
            if (cached[slot] != NONE) {
                return slot;
            }
        }
        return -1;
    }

    @RequiresLock("SWAP_LOCK")
    void dropFiled(int slot) {
        if (!filed.get(slot)) {
            throw new IllegalStateException("swap slot " + slot + " is no file's");
        }
        filed.clear(slot);
        dropUser(slot);
    }

    int users(int slot) {
        return users[slot];
    }

    @KernelFunction("swap_duplicate")
    @RequiresLock("SWAP_LOCK")
    void addUser(int slot) {
        if (isFree(slot)) {
            throw new IllegalStateException("swap slot " + slot + " is free");
        }
        users[slot]++;
    }

    @KernelFunction("swap_entry_put")
    @RequiresLock("SWAP_LOCK")
    void dropUser(int slot) {
        if (users[slot] == 0) {
            throw new IllegalStateException("swap slot " + slot + " has no users");
        }
        users[slot]--;
        if (isFree(slot)) {
            freed(slot);
        }
    }

    /** The frame in the swap cache, or -1. */
    long cached(int slot) {
        return cached[slot];
    }

    @RequiresLock("SWAP_LOCK")
    void setCached(int slot, long pfn) {
        cached[slot] = (int) pfn;
    }

    @RequiresLock("SWAP_LOCK")
    void clearCached(int slot) {
        cached[slot] = NONE;
        if (users[slot] == 0) {
            freed(slot);
        }
    }

    /** Entries that stand for slots, all together, files' not counted. */
    long allUsers() {
        long sum = -filed.cardinality();
        for (int each : users) {
            sum += each;
        }
        return sum;
    }

    /** Slots whose page is in memory too. */
    int allCached() {
        int sum = 0;
        for (int each : cached) {
            sum += each == NONE ? 0 : 1;
        }
        return sum;
    }

    int filedSlots() {
        return filed.cardinality();
    }

    /** Whether a frame is cached as the page of a slot. */
    @FunctionalInterface
    interface CacheCheck {
        boolean test(int slot, long pfn);
    }

    /** See {@link SwapSpace#audit}. */
    @RequiresLock("SWAP_LOCK")
    void audit(int[] found, CacheCheck isCachedAs, FrameTable frames, Consumer<String> report) {
        int seenFree = 0;
        for (int slot = 1; slot <= size(); slot++) {
            int expected = found[slot] + (isFiled(slot) ? 1 : 0);
            if (users[slot] != expected) {
                report.accept(
                        "swap slot " + type + ":" + slot + " counts " + users[slot] + " users, there are " + expected);
            }
            long pfn = cached[slot];
            if (pfn >= 0 && !isCachedAs.test(slot, pfn)) {
                report.accept("swap slot " + type + ":" + slot + " is not what is cached: " + frames.describe(pfn));
            }
            seenFree += pfn < 0 && expected == 0 ? 1 : 0;
        }
        if (seenFree != free) {
            report.accept(free + " slots of swap area " + type + " count as free, there are " + seenFree);
        }
    }
}
