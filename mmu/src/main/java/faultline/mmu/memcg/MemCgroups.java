package faultline.mmu.memcg;

import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongPredicate;
import java.util.function.Supplier;

/**
 * Charges frames of one machine to groups. Until the first group is made nothing is kept.
 *
 * @see MemCgroup
 */
public final class MemCgroups {
    /** Pages reclaimed at once (SWAP_CLUSTER_MAX). */
    private static final long BATCH = 32;

    private static final int MAX_RECLAIM_RETRIES = 16;

    private final FrameTable frames;
    private final FrameAllocator allocator;
    private volatile MemCgroupReclaim reclaim = (group, pages) -> 0;
    private volatile GroupOutOfMemory outOfMemory = (group, pages) -> false;
    private volatile Supplier<MemCgroup> current = () -> null;
    /** Owner of each frame; null before the first group is made. */
    private final AtomicReference<MemCgroup[]> owners = new AtomicReference<>();

    /** All that were ever made and are still referred to, for {@link #audit}. Guarded by itself. */
    private final Set<MemCgroup> groups = Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

    /** The groups of one machine: the root alone. */
    public MemCgroups(FrameTable frames, FrameAllocator allocator) {
        this.frames = frames;
        this.allocator = allocator;
    }

    /** Says who frees pages of a group; once. */
    public void setReclaim(MemCgroupReclaim reclaimer) {
        reclaim = reclaimer;
    }

    /**
     * Says who kills in a group when nothing can be freed there; once, before the first group is made.
     *
     * @param killer called in the thread that is to be charged
     */
    public void setOutOfMemory(GroupOutOfMemory killer) {
        outOfMemory = killer;
    }

    /** Says which group the calling thread is of, null for the root group; once, before the first group is made. */
    public void setCurrent(Supplier<MemCgroup> groupOfThread) {
        current = groupOfThread;
    }

    /** Makes a group. @param parent null for one right below the root */
    @KernelFunction("mem_cgroup_css_alloc")
    public MemCgroup create(MemCgroup parent) {
        if (owners.get() == null) {
            allocator.setChargeRelease(this::uncharge);
            owners.compareAndSet(null, new MemCgroup[(int) frames.count()]);
        }
        MemCgroup made = new MemCgroup(parent);
        groups.add(made);
        return made;
    }

    /** The group that a frame is charged to; null for the root group. */
    @KernelFunction("folio_memcg")
    public MemCgroup owner(long pfn) {
        MemCgroup[] all = owners.get();
        return all == null ? null : all[(int) pfn];
    }

    /**
     * Charges a new frame that nobody else knows.
     *
     * @param group null for the root group
     * @param pfn its only reference is the caller's; -1 passes through
     * @return the frame; -1 when the group may not have it, the frame being given back
     */
    public long charged(MemCgroup group, long pfn) {
        return group == null || pfn < 0 || charge(group, pfn, 1, true) ? pfn : giveBack(pfn);
    }

    /** As {@link #charged} for a huge page, which nobody is killed for: small ones will do. @param pages its size */
    public long chargedHuge(MemCgroup group, long head, int pages) {
        return group == null || head < 0 || charge(group, head, pages, false) ? head : giveBack(head);
    }

    /** As {@link #charged}, to the group of the calling thread: pages of files. */
    public long chargedToCurrent(long pfn) {
        return owners.get() == null ? pfn : charged(current.get(), pfn);
    }

    private long giveBack(long pfn) {
        allocator.putPage(pfn);
        return -1;
    }

    @KernelFunction("charge_memcg")
    @Injectable(value = "mm/memcg/charge", error = 0)
    private boolean charge(MemCgroup group, long first, int pages, boolean mayKill) {
        if (!tryCharge(group, pages, mayKill)) {
            return false;
        }
        MemCgroup[] all = owners.get();
        for (long pfn = first; pfn < first + pages; pfn++) {
            all[(int) pfn] = group;
            frames.set(pfn, PageFlags.MEMCG);
        }
        return true;
    }

    @KernelFunction("try_charge_memcg")
    private boolean tryCharge(MemCgroup group, long pages, boolean mayKill) {
        int retries = MAX_RECLAIM_RETRIES;
        while (true) {
            PageCounter full = group.memory().tryCharge(pages);
            if (full == null) {
                reclaimHigh(group);
                return true;
            }
            MemCgroup over = group.ownerOf(full);
            over.count(MemCgroup.Event.MAX);
            long freed = reclaim.reclaim(over, Math.max(pages, BATCH));
            // What others freed counts as well; and when they took what this thread freed, it tries again.
            boolean hasRoom = full.max() - full.usage() >= pages;
            if (hasRoom || mayKill && (freed > 0 || retries-- > 0)) {
                continue;
            }
            if (!mayKill) {
                return false;
            }
            over.count(MemCgroup.Event.OOM);
            if (!outOfMemory.handle(over, pages)) {
                return false;
            }
            retries = MAX_RECLAIM_RETRIES;
        }
    }

    /** Above memory.high nobody is refused, but whoever charges has to free something. */
    @KernelFunction("reclaim_high")
    private void reclaimHigh(MemCgroup group) {
        for (MemCgroup at = group; at != null; at = at.parent()) {
            if (at.memory().usage() > at.high()) {
                at.count(MemCgroup.Event.HIGH);
                reclaim.reclaim(at, BATCH);
            }
        }
    }

    /** The last reference to a frame, or to a huge page, went. */
    @KernelFunction("__mem_cgroup_uncharge")
    private void uncharge(long first) {
        MemCgroup[] all = owners.get();
        int pages = frames.test(first, PageFlags.HEAD) ? 1 << frames.order(first) : 1;
        MemCgroup group = all[(int) first];
        for (long pfn = first; pfn < first + pages; pfn++) {
            all[(int) pfn] = null;
            frames.clear(pfn, PageFlags.MEMCG);
        }
        group.memory().uncharge(pages);
    }

    /**
     * Limits a group, and makes it fit: by reclaim, and then by killing.
     *
     * @param giveUp asked before each attempt: the caller is to end
     * @return false when it gave up; the limit stands all the same
     */
    @KernelFunction("memory_max_write")
    public boolean limit(MemCgroup group, long pages, BooleanSupplier giveUp) {
        group.memory().setMax(pages);
        while (group.memory().usage() > pages) {
            if (giveUp.getAsBoolean()) {
                return false;
            }
            if (reclaim.reclaim(group, group.memory().usage() - pages) > 0) {
                continue;
            }
            group.count(MemCgroup.Event.OOM);
            if (!outOfMemory.handle(group, 0)) {
                break;
            }
        }
        return true;
    }

    /** Frees pages of a group on request. @return how many */
    @KernelFunction("user_proactive_reclaim")
    public long reclaim(MemCgroup group, long pages) {
        long freed = 0;
        long last = 1;
        while (freed < pages && last > 0) {
            last = reclaim.reclaim(group, pages - freed);
            freed += last;
        }
        return freed;
    }

    /** Compares each group's counter with the frames that are charged to it, at rest. */
    public void audit(Consumer<String> report) {
        MemCgroup[] all = owners.get();
        Map<MemCgroup, Long> found = new IdentityHashMap<>();
        groups.forEach(group -> found.put(group, 0L));
        for (int pfn = 0; all != null && pfn < all.length; pfn++) {
            if (all[pfn] != null != frames.test(pfn, PageFlags.MEMCG)) {
                report.accept(frames.describe(pfn) + " is charged to " + all[pfn]);
            }
            for (MemCgroup at = all[pfn]; at != null; at = at.parent()) {
                found.merge(at, 1L, Long::sum);
            }
        }
        found.forEach((group, pages) -> {
            if (group.memory().usage() != pages) {
                report.accept("a group is charged " + group.memory().usage() + " pages and has " + pages);
            }
        });
    }

    /**
     * Counts the frames of a group and of those below it that {@code wanted} holds of: by a look at each frame, for who
     * displays it.
     */
    public long count(MemCgroup group, LongPredicate wanted) {
        MemCgroup[] all = owners.get();
        long found = 0;
        for (int pfn = 0; all != null && pfn < all.length; pfn++) {
            MemCgroup owner = all[pfn];
            if (owner != null && (group == null || owner.isIn(group)) && wanted.test(pfn)) {
                found++;
            }
        }
        return found;
    }
}
