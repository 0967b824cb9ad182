package faultline.mmu.ksm;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The two trees that pages of equal content are found in, and the counts of what is in them.
 *
 * <p>The stable tree holds pages that are shared, and cannot change. The unstable tree holds pages that did not change
 * between two looks at them, but may at any time: what is found there must be compared again once it cannot change. It
 * is thrown away at the end of each pass. Both are keyed by checksum; what is
 * found is compared in full before it is shared.
 *
 * <p>A page that is shared by as many places as are allowed is passed over: the next place begins another one, a
 * duplicate, in the same chain.
 */
final class KsmTrees {
    private final KsmPages pages;
    private final Map<Long, List<StableNode>> stable = new HashMap<>();
    private final Map<Long, RmapItem> unstable = new HashMap<>();
    /** Which filling of the unstable tree this is. */
    private long pass = 1;

    // Written under the KSM lock, read without it.
    private volatile long items;
    private volatile long shared;
    private volatile long sharing;
    private volatile long unshared;

    KsmTrees(KsmPages pages) {
        this.pages = pages;
    }

    // ---- counts

    /** Places known. */
    long items() {
        return items;
    }

    /** Shared pages. */
    long shared() {
        return shared;
    }

    /** Places that share one of them, the first place of each not counted. */
    long sharing() {
        return sharing;
    }

    /** Places whose pages equal none that were looked at. */
    long unshared() {
        return unshared;
    }

    void countItems(int delta) {
        items += delta;
    }

    /** Contents that have several pages, since one may not be shared any more often. */
    @RequiresLock("KSM_LOCK")
    long chains() {
        return stable.values().stream().filter(nodes -> nodes.size() > 1).count();
    }

    /** Pages of such contents. */
    @RequiresLock("KSM_LOCK")
    long duplicates() {
        return stable.values().stream()
                .mapToLong(List::size)
                .filter(size -> size > 1)
                .sum();
    }

    // ---- the stable tree

    /**
     * Looks for a shared page of a checksum; whether it holds the same the caller sees when it compares the two.
     *
     * @param most places that one page may be shared by
     * @return with a reference to its frame for the caller; null for none
     */
    @KernelFunction(value = "stable_tree_search", file = "mm/ksm.c")
    @RequiresLock("KSM_LOCK")
    StableNode search(long checksum, int most) {
        for (StableNode node : stable.getOrDefault(checksum, List.of())) {
            if (node.items < most && pages.get(node) >= 0) {
                return node;
            }
        }
        return null;
    }

    @KernelFunction(value = "stable_tree_insert", file = "mm/ksm.c")
    @RequiresLock("KSM_LOCK")
    void insert(StableNode node) {
        node.checksum = pages.checksum(node.pfn);
        node.inTree = true;
        stable.computeIfAbsent(node.checksum, sum -> new ArrayList<>(1)).add(node);
    }

    /** The item's page is this shared one now. */
    @KernelFunction(value = "stable_tree_append", file = "mm/ksm.c")
    @RequiresLock("KSM_LOCK")
    void append(RmapItem item, StableNode node) {
        item.stable = node;
        item.slot.merging++;
        if (node.items++ == 0) {
            shared++;
        } else {
            sharing++;
        }
    }

    /** The frame is gone, with all places that shared it; their items follow when they are next looked at. */
    @KernelFunction(value = "remove_node_from_stable_tree", file = "mm/ksm.c")
    private void forget(StableNode node) {
        if (node.items > 0) {
            shared--;
            sharing -= node.items - 1;
        }
        node.inTree = false;
        node.items = 0;
    }

    /** Forgets all shared pages whose frames are gone. */
    private void prune() {
        stable.values().removeIf(nodes -> {
            nodes.removeIf(node -> {
                boolean dead = node.pfn < 0;
                if (dead) {
                    forget(node);
                }
                return dead;
            });
            return nodes.isEmpty();
        });
    }

    /** Forgets all shared pages, which no item is in any more; forked address spaces may still show some. */
    @KernelFunction(value = "remove_all_stable_nodes", file = "mm/ksm.c")
    @RequiresLock("KSM_LOCK")
    void clear() {
        stable.values().forEach(nodes -> nodes.forEach(this::forget));
        stable.clear();
        unstable.clear();
        pass++;
    }

    // ---- the unstable tree

    /**
     * Looks for another place whose page had the same checksum in this pass; puts the item there when there is none.
     *
     * @return the other, whose page may have changed since; null when there is none
     */
    @KernelFunction(value = "unstable_tree_search_insert", file = "mm/ksm.c")
    @RequiresLock("KSM_LOCK")
    RmapItem searchUnstable(RmapItem item) {
        RmapItem other = unstable.putIfAbsent(item.checksum, item);
        if (other == null) {
            item.unstablePass = pass;
            unshared++;
        }
        return other;
    }

    /** The end of a pass: nothing in the unstable tree is to be relied on any longer. */
    @RequiresLock("KSM_LOCK")
    void nextPass() {
        unstable.clear();
        pass++;
        prune();
    }

    // ---- both

    /** Takes an item out of the tree that it is in, if any. */
    @KernelFunction(value = "remove_rmap_item_from_tree", file = "mm/ksm.c")
    @RequiresLock("KSM_LOCK")
    void remove(RmapItem item) {
        if (item.stable != null) {
            leave(item, item.stable);
        } else if (item.unstablePass != 0) {
            if (item.unstablePass == pass) {
                unstable.remove(item.checksum, item);
            }
            item.unstablePass = 0;
            unshared--;
        }
    }

    private void leave(RmapItem item, StableNode node) {
        item.stable = null;
        item.slot.merging--;
        if (node.items == 0) {
            return; // forgotten with all its items
        }
        if (--node.items == 0) {
            shared--;
        } else {
            sharing--;
        }
    }
}
