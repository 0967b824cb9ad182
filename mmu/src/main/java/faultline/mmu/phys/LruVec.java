package faultline.mmu.phys;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.SpinLock;
import java.util.BitSet;
import java.util.function.Consumer;

/**
 * The lists that reclaim works through: pages of memory without a file and of files, each used of late ("active") or
 * not, and those that cannot be reclaimed.
 *
 * <pre>
 *   flags of the frame             list
 *   UNEVICTABLE (and MLOCKED)      unevictable
 *   SWAPBACKED, ACTIVE             active anon
 *   SWAPBACKED                     inactive anon
 *   ACTIVE                         active file
 *   none of these                  inactive file
 * </pre>
 *
 * <p>A frame that bears LRU is on its list, or waits in a batch to be put there ({@code FrameCache}): a frame for user
 * memory bears LRU from its allocation on and joins the batch under the lock that its allocation takes anyway, so that
 * a fault takes no lock for this. Batches hold no references. What stands in one is a hint: a frame that was freed
 * since does not bear LRU any more, and one that was put on a list by somebody else is not put there twice. Whoever
 * isolates a frame takes LRU from it, and gives it back with {@link #putBack}.
 *
 * <p>LRU, and what decides which list a frame with LRU is on, change under {@link #lock} only. A compound page is on a
 * list with its head, and counts for all its frames.
 */
@KernelFunction("struct lruvec")
public final class LruVec {
    public static final int INACTIVE_ANON = 0;
    public static final int ACTIVE_ANON = 1;
    public static final int INACTIVE_FILE = 2;
    public static final int ACTIVE_FILE = 3;
    public static final int UNEVICTABLE = 4;
    private static final int LISTS = 5;

    private static final LockClass LOCK_CLASS = new LockClass("lru", LockRank.LRU_LOCK);
    private static final int FLAGS_OF_LISTS =
            PageFlags.LRU | PageFlags.ACTIVE | PageFlags.UNEVICTABLE | PageFlags.MLOCKED | PageFlags.RECLAIM;

    private final FrameTable frames;
    private final LruLinks links;
    private final SpinLock lock = new SpinLock(LOCK_CLASS);

    /** Frames on each list; written under the lock, read without it for display and as a hint. */
    private final long[] sizes = new long[LISTS];

    /**
     * Locked mappings of each frame that bears MLOCKED beyond the first (mlock_count); null before there is a second
     * one. Guarded by the lock.
     */
    private int[] moreLocks;

    private long activated;
    private long deactivated;
    private long rotated;

    LruVec(FrameTable frames) {
        this.frames = frames;
        links = new LruLinks(frames.count(), LISTS);
    }

    /** The list that a frame with these flags belongs on. */
    @KernelFunction("folio_lru_list")
    private static int listOf(int flags) {
        if ((flags & PageFlags.UNEVICTABLE) != 0) {
            return UNEVICTABLE;
        }
        return ((flags & PageFlags.SWAPBACKED) != 0 ? INACTIVE_ANON : INACTIVE_FILE)
                + ((flags & PageFlags.ACTIVE) != 0 ? 1 : 0);
    }

    private int weight(long pfn, int flags) {
        return (flags & PageFlags.HEAD) == 0 ? 1 : 1 << frames.order(pfn);
    }

    @KernelFunction("lruvec_add_folio")
    @RequiresLock("LRU_LOCK")
    private void link(long pfn, boolean atTail) {
        int flags = frames.flags(pfn);
        int list = listOf(flags);
        sizes[list] += weight(pfn, flags);
        if (atTail) {
            links.addLast(list, pfn);
        } else {
            links.addFirst(list, pfn);
        }
    }

    @KernelFunction("lruvec_del_folio")
    @RequiresLock("LRU_LOCK")
    private void unlink(long pfn) {
        int flags = frames.flags(pfn);
        sizes[listOf(flags)] -= weight(pfn, flags);
        links.remove(pfn);
    }

    /** Changes flags that decide about the list, and moves a frame that is on one. */
    @RequiresLock("LRU_LOCK")
    private void change(long pfn, int set, int clear, boolean atTail) {
        boolean linked = links.isLinked(pfn);
        if (linked) {
            unlink(pfn);
        }
        frames.clear(pfn, clear);
        frames.set(pfn, set);
        if (linked) {
            link(pfn, atTail);
        }
    }

    // ---- coming and going

    /** Puts frames of a batch on their lists, in this order: the last will be nearest to the head. */
    @KernelFunction("folio_batch_move_lru")
    void addBatch(long[] pfns, int count) {
        lock.lock();
        for (int i = 0; i < count; i++) {
            long pfn = pfns[i];
            if (frames.test(pfn, PageFlags.LRU) && !links.isLinked(pfn)) {
                link(pfn, false);
            }
        }
        lock.unlock();
    }

    /** Puts a frame, single or the head of a compound page, on its list at once. The caller has a reference. */
    @KernelFunction("folio_add_lru")
    public void add(long pfn) {
        lock.lock();
        if (!links.isLinked(pfn)) {
            frames.set(pfn, PageFlags.LRU);
            link(pfn, false);
        }
        lock.unlock();
    }

    /** A frame whose last reference has gone leaves its list. */
    @KernelFunction("__page_cache_release")
    void release(long pfn) {
        lock.lock();
        int flags = frames.flags(pfn);
        if (links.remove(pfn)) {
            sizes[listOf(flags)] -= weight(pfn, flags);
        }
        frames.initFlags(pfn, flags & ~FLAGS_OF_LISTS);
        lock.unlock();
    }

    /** As {@link #release}, for those of many frames that bear LRU. */
    @KernelFunction("lruvec_del_folio")
    void release(long[] pfns, int count) {
        lock.lock();
        for (int from = 0; from < count; ) {
            int to = from + 1;
            if (links.isLinked(pfns[from])) {
                int list = listOf(frames.flags(pfns[from]));
                to = links.removeRun(pfns, from, count);
                sizes[list] -= clearFlags(pfns, from, to);
            } else {
                clearFlags(pfns, from, to);
            }
            from = to;
        }
        lock.unlock();
    }

    /** @return how many frames these were, those of compound pages counted */
    @RequiresLock("LRU_LOCK")
    private long clearFlags(long[] pfns, int from, int to) {
        long all = 0;
        for (int i = from; i < to; i++) {
            int flags = frames.flags(pfns[i]);
            all += weight(pfns[i], flags);
            frames.initFlags(pfns[i], flags & ~FLAGS_OF_LISTS);
        }
        return all;
    }

    /**
     * Makes single frames of a compound page as {@link FrameTable#splitCompound} does. They get on the list that the
     * head is on, beside it, or to its end if reclaim has isolated the head: since it is it that asks for the split.
     */
    @KernelFunction("lru_add_split_folio")
    public void splitCompound(long head, int references) {
        lock.lock();
        int flags = frames.flags(head);
        int tails = (1 << frames.order(head)) - 1;
        boolean linked = links.isLinked(head);
        if (linked) {
            sizes[listOf(flags)] -= tails;
        }
        frames.splitCompound(head, references);
        for (long pfn = head + tails; pfn > head; pfn--) {
            frames.clear(pfn, FLAGS_OF_LISTS);
            frames.set(pfn, flags & FLAGS_OF_LISTS | PageFlags.LRU);
            if (linked) {
                sizes[listOf(flags)]++;
                links.addBehind(head, pfn);
            } else {
                link(pfn, true);
            }
        }
        lock.unlock();
    }

    // ---- for reclaim

    /**
     * Takes frames off the tail of a list, with a reference on each and without LRU.
     *
     * @param wanted how many frames are looked at; those that are being freed are passed over
     * @return how many stand in {@code out}
     */
    @KernelFunction("isolate_lru_folios")
    public int isolate(int list, int wanted, long[] out) {
        int count = 0;
        lock.lock();
        for (int i = 0; i < wanted; i++) {
            long pfn = links.last(list);
            if (pfn < 0) {
                break;
            }
            if (!frames.getUnlessZero(pfn)) {
                links.remove(pfn);
                links.addFirst(list, pfn);
                continue;
            }
            unlink(pfn);
            frames.clear(pfn, PageFlags.LRU);
            out[count++] = pfn;
        }
        lock.unlock();
        return count;
    }

    /** Takes one frame, which the caller has a reference on, off its list. @return false when it is on none */
    @KernelFunction("folio_isolate_lru")
    public boolean isolate(long pfn) {
        lock.lock();
        boolean ours = frames.test(pfn, PageFlags.LRU);
        if (ours) {
            if (links.isLinked(pfn)) {
                unlink(pfn);
            }
            frames.clear(pfn, PageFlags.LRU);
        }
        lock.unlock();
        return ours;
    }

    /**
     * Puts isolated frames on the list that they belong on now: to the head, and with RECLAIM, which goes, to the tail.
     * References are the caller's to drop.
     */
    @KernelFunction("move_folios_to_lru")
    public void putBack(long[] pfns, int count) {
        lock.lock();
        for (int i = 0; i < count; i++) {
            long pfn = pfns[i];
            frames.set(pfn, PageFlags.LRU);
            if (frames.test(pfn, PageFlags.MLOCKED)) {
                frames.clear(pfn, PageFlags.ACTIVE);
                frames.set(pfn, PageFlags.UNEVICTABLE);
            }
            boolean atTail = frames.testAndClear(pfn, PageFlags.RECLAIM);
            rotated += atTail ? 1 : 0;
            link(pfn, atTail);
        }
        lock.unlock();
    }

    /**
     * Counts frames that reclaim has moved to an active list, and to an inactive one, between isolating them and
     * putting them back.
     */
    public void countMoves(int nowActive, int nowInactive) {
        lock.lock();
        activated += nowActive;
        deactivated += nowInactive;
        lock.unlock();
    }

    // ---- for users of pages

    /**
     * A page was used otherwise than through a page table. The second time since reclaim last looked it becomes active.
     *
     * <pre>
     *   inactive, unreferenced ──▶ inactive, referenced ──▶ active, unreferenced ──▶ active, referenced
     * </pre>
     */
    @KernelFunction("folio_mark_accessed")
    public void markAccessed(long pfn) {
        int flags = frames.flags(pfn);
        if ((flags & PageFlags.REFERENCED) == 0) {
            frames.set(pfn, PageFlags.REFERENCED);
        } else if ((flags & (PageFlags.ACTIVE | PageFlags.UNEVICTABLE)) == 0 && (flags & PageFlags.LRU) != 0) {
            activate(pfn);
            frames.clear(pfn, PageFlags.REFERENCED);
        }
    }

    @KernelFunction("folio_activate")
    private void activate(long pfn) {
        lock.lock();
        if (frames.test(pfn, PageFlags.LRU) && !frames.test(pfn, PageFlags.ACTIVE | PageFlags.UNEVICTABLE)) {
            change(pfn, PageFlags.ACTIVE, 0, false);
            activated++;
        }
        lock.unlock();
    }

    /** The page will not be used soon (MADV_COLD). */
    @KernelFunction("folio_deactivate")
    public void deactivate(long pfn) {
        lock.lock();
        frames.clear(pfn, PageFlags.REFERENCED);
        if (frames.test(pfn, PageFlags.LRU) && !frames.test(pfn, PageFlags.UNEVICTABLE)) {
            deactivated += frames.test(pfn, PageFlags.ACTIVE) ? 1 : 0;
            change(pfn, 0, PageFlags.ACTIVE, false);
        }
        lock.unlock();
    }

    /**
     * The content of an anonymous page is not wanted any more (MADV_FREE): it is as cheap to drop as a clean page of a
     * file.
     */
    @KernelFunction("folio_mark_lazyfree")
    public void markLazyFree(long pfn) {
        lock.lock();
        change(pfn, 0, PageFlags.SWAPBACKED | PageFlags.REFERENCED | PageFlags.ACTIVE, false);
        lock.unlock();
    }

    /** The content is wanted again, and has to go to swap. */
    @KernelFunction("folio_set_swapbacked")
    public void setSwapBacked(long pfn) {
        lock.lock();
        change(pfn, PageFlags.SWAPBACKED, 0, false);
        lock.unlock();
    }

    /** The page lies in one more locked mapping: reclaim shall not look at it in vain. */
    @KernelFunction("mlock_folio")
    public void mlock(long pfn) {
        lock.lock();
        if (!frames.test(pfn, PageFlags.MLOCKED)) {
            mark(pfn);
        } else if (!frames.test(pfn, PageFlags.HEAD)) {
            // Of a huge page, which may be mapped by as many entries as it has frames, it is known only that it is
            // locked.
            moreLocks = moreLocks == null ? new int[(int) frames.count()] : moreLocks;
            moreLocks[(int) pfn]++;
        }
        lock.unlock();
    }

    /** Reclaim has met the page in a locked mapping, which is news only where a huge page was split. */
    public void noteLocked(long pfn) {
        lock.lock();
        if (!frames.test(pfn, PageFlags.MLOCKED)) {
            mark(pfn);
        }
        lock.unlock();
    }

    private void mark(long pfn) {
        if (moreLocks != null) {
            moreLocks[(int) pfn] = 0;
        }
        if (frames.test(pfn, PageFlags.LRU)) {
            change(pfn, PageFlags.MLOCKED | PageFlags.UNEVICTABLE, PageFlags.ACTIVE, false);
            if (!links.isLinked(pfn)) {
                link(pfn, false);
            }
        } else {
            // Isolated: who puts it back will see.
            frames.set(pfn, PageFlags.MLOCKED);
        }
    }

    /** The page is not locked any more by one of the mappings; with the last one it can be reclaimed again. */
    @KernelFunction("munlock_folio")
    public void munlock(long pfn) {
        if (frames.test(pfn, PageFlags.MLOCKED)) {
            lock.lock();
            if (moreLocks != null && moreLocks[(int) pfn] > 0) {
                moreLocks[(int) pfn]--;
            } else {
                change(pfn, 0, PageFlags.MLOCKED | PageFlags.UNEVICTABLE, false);
            }
            lock.unlock();
        }
    }

    // ---- counts

    /** Frames on a list, those in batches not counted ({@link FrameAllocator#drainLru}). */
    @KernelFunction("lruvec_lru_size")
    public long size(int list) {
        return sizes[list];
    }

    /** Frames that became active so far (pgactivate). */
    public long activated() {
        return activated;
    }

    /** Frames that became inactive so far (pgdeactivate). */
    public long deactivated() {
        return deactivated;
    }

    /** Frames that were put to the tail of a list because their content had been written (pgrotated). */
    public long rotated() {
        return rotated;
    }

    /**
     * Checks that lists agree with their lengths and with the flags of what is on them.
     *
     * @param report told of each difference
     * @return the frames that are on some list
     */
    public BitSet audit(Consumer<String> report) {
        BitSet seen = new BitSet();
        lock.lock();
        try {
            for (int list = 0; list < LISTS; list++) {
                long size = 0;
                for (long pfn = links.last(list); pfn >= 0; pfn = links.before(list, pfn)) {
                    int flags = frames.flags(pfn);
                    size += weight(pfn, flags);
                    if (seen.get((int) pfn)) {
                        report.accept(frames.describe(pfn) + " is on reclaim lists twice");
                        break;
                    }
                    seen.set((int) pfn);
                    if ((flags & PageFlags.LRU) == 0 || listOf(flags) != list || frames.refcount(pfn) == 0) {
                        report.accept(frames.describe(pfn) + " is on reclaim list " + list);
                    }
                }
                if (size != sizes[list]) {
                    report.accept("reclaim list " + list + " counts " + sizes[list] + " frames, there are " + size);
                }
            }
        } finally {
            lock.unlock();
        }
        return seen;
    }

    void close() {
        links.close();
    }
}
