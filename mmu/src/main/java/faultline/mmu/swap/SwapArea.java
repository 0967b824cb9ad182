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
 * <p>A slot is free when it has neither. Not thread-safe: {@link SwapSpace} holds its lock around each call.
 */
@KernelFunction("struct swap_info_struct")
final class SwapArea {
    private static final int NONE = -1;

    private final int[] users;
    /** Frame, or {@link #NONE}. */
    private final int[] cached;

    /** Slots that a memory file has, and no page-table entry. */
    private final BitSet filed = new BitSet();

    /** Who is charged for each slot; null before there is a group. */
    private volatile MemCgroup[] owners;

    private int free;
    /** Where the search for a free slot goes on: slots are given in a row, so that they are written in a row. */
    private int hint;

    /** @param slots number of slots; slot 0 is not used, as in Linux, where it holds the header */
    SwapArea(int slots) {
        users = new int[slots];
        cached = new int[slots];
        Arrays.fill(cached, NONE);
        free = slots - 1;
    }

    /** Slots that there are for use. */
    int size() {
        return users.length - 1;
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

    /** Takes a slot for a page in the swap cache. @param owner who is charged; null for the root group. @return -1 when there is none */
    @KernelFunction("get_swap_page")
    @RequiresLock("SWAP_LOCK")
    int take(long pfn, MemCgroup owner) {
        int slot = takeFree(owner);
        if (slot > 0) {
            cached[slot] = (int) pfn;
        }
        return slot;
    }

    /** As {@link #take} for a page of a memory file, which is its only user. */
    @RequiresLock("SWAP_LOCK")
    int takeForFile(MemCgroup owner) {
        int slot = takeFree(owner);
        if (slot > 0) {
            users[slot] = 1;
            filed.set(slot);
        }
        return slot;
    }

    private int takeFree(MemCgroup owner) {
        if (free == 0 || owner != null && !owner.chargeSwap()) {
            return -1;
        }
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
        MemCgroup owner = owner(slot);
        if (owner != null) {
            owners[slot] = null;
            owner.unchargeSwap();
        }
    }

    boolean isFiled(int slot) {
        return filed.get(slot);
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
                report.accept("swap slot " + slot + " counts " + users[slot] + " users, there are " + expected);
            }
            long pfn = cached[slot];
            if (pfn >= 0 && !isCachedAs.test(slot, pfn)) {
                report.accept("swap slot " + slot + " is not what is cached: " + frames.describe(pfn));
            }
            seenFree += pfn < 0 && expected == 0 ? 1 : 0;
        }
        if (seenFree != free) {
            report.accept(free + " swap slots count as free, there are " + seenFree);
        }
    }
}
