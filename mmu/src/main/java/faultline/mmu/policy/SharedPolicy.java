package faultline.mmu.policy;

import faultline.mmu.annotation.KernelFunction;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The policies of a file of shared memory, by ranges of its pages: they hold for every mapping of them, and outlive
 * each. Any thread may ask and set: each change makes a new map of the parts.
 */
@KernelFunction(value = "shared_policy", file = "include/linux/mempolicy.h")
public final class SharedPolicy {
    private record Part(long end, Mempolicy policy) {}

    /** Parts by their first page; they do not overlap. Never changed once it is here. */
    private final AtomicReference<TreeMap<Long, Part>> parts = new AtomicReference<>(new TreeMap<>());

    /** The policy of pages {@code from} to before {@code end}, null for the default one, from now on. */
    @KernelFunction(value = "shared_policy_replace", file = "mm/mempolicy.c")
    public void set(long from, long end, Mempolicy policy) {
        parts.updateAndGet(before -> {
            TreeMap<Long, Part> after = new TreeMap<>(before);
            cutAt(after, from);
            cutAt(after, end);
            after.subMap(from, end).clear();
            if (policy != null) {
                after.put(from, new Part(end, policy));
            }
            return after;
        });
    }

    private static void cutAt(TreeMap<Long, Part> parts, long page) {
        Map.Entry<Long, Part> before = parts.lowerEntry(page);
        if (before != null && before.getValue().end > page) {
            parts.put(page, before.getValue());
            parts.put(before.getKey(), new Part(page, before.getValue().policy));
        }
    }

    /** The policy of a page, or null. */
    @KernelFunction(value = "mpol_shared_policy_lookup", file = "mm/mempolicy.c")
    public Mempolicy lookup(long page) {
        Map.Entry<Long, Part> part = parts.get().floorEntry(page);
        return part != null && part.getValue().end > page ? part.getValue().policy : null;
    }
}
