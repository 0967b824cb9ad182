package faultline.mmu.ksm;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultEnv;
import faultline.mmu.fault.Unshare;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.RwSemaphore;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;

/** Kernel same-page merging of one machine: who takes part, the settings, the counts. */
public final class Ksm {
    private static final LockClass LOCK_CLASS = new LockClass("ksm", LockRank.KSM_LOCK);

    private final RwSemaphore lock = new RwSemaphore(LOCK_CLASS);
    private final MmSlots slots = new MmSlots();
    private final KsmKnobs knobs = new KsmKnobs();
    private final KsmTrees trees;
    private final KsmScan scan;
    private final Unshare unshare;
    private volatile Runnable wake = () -> {};

    /** Merging in the machine of {@code env}. */
    public Ksm(FaultEnv env) {
        KsmPages pages = new KsmPages(env.cache().phys());
        trees = new KsmTrees(pages);
        scan = new KsmScan(pages, trees, new KsmMerge(env, pages), knobs, slots);
        unshare = new Unshare(env);
    }

    // ---- the scanner's turns

    /** Says who is told, by any thread, that there may be something to scan. */
    public void setWake(Runnable listener) {
        wake = listener;
    }

    /** There may be something to scan, or the time until then has changed. */
    public void wake() {
        wake.run();
    }

    /** Whether there is something to scan. */
    @KernelFunction(value = "ksmd_should_run", file = "mm/ksm.c")
    public boolean hasWork() {
        return knobs.run() == KsmKnobs.MERGE && !slots.isEmpty();
    }

    /** Looks at as many pages as are looked at between two sleeps; at none while somebody else is at it. */
    public void scan() {
        if (lock.tryWriteLock()) {
            try {
                if (hasWork()) {
                    scan.run(knobs.pagesToScan());
                }
            } finally {
                lock.writeUnlock();
            }
        }
    }

    // ---- address spaces

    /**
     * MADV_MERGEABLE and MADV_UNMERGEABLE for a mapping, whose flags the caller then changes.
     *
     * @return the flags that it is to get, or -ENOMEM
     */
    @KernelFunction(value = "ksm_madvise", file = "mm/ksm.c")
    @RequiresLock("MMAP_LOCK")
    public long madvise(Vma area, long start, long end, boolean mergeable) {
        long flags = area.flags();
        if (!mergeable) {
            boolean shares = area.has(VmFlags.MERGEABLE) && area.anonVma() != null;
            return shares && unshare.runAll(area, start, end) != 0 ? -Errno.ENOMEM : flags & ~VmFlags.MERGEABLE;
        }
        if (!KsmMerge.isCompatible(flags)) {
            return flags;
        }
        enter(area.mm());
        return flags | VmFlags.MERGEABLE;
    }

    @KernelFunction(value = "__ksm_enter", file = "mm/ksm.c")
    @RequiresLock("MMAP_LOCK")
    private MmSlot enter(MmStruct mm) {
        boolean first = slots.isEmpty();
        MmSlot slot = slots.enter(mm);
        if (first) {
            wake();
        }
        return slot;
    }

    /** Pages that are about to move are shared no longer: the scanner knows them by their addresses. */
    @RequiresLock("MMAP_LOCK")
    public boolean unshare(Vma area, long start, long end) {
        return !KsmMerge.isMergeable(area) || unshare.runAll(area, start, end) == 0;
    }

    /** A child is about to get copies of its parent's mappings, which are mergeable where the parent's are. */
    @KernelFunction(value = "ksm_fork", file = "include/linux/ksm.h")
    @RequiresLock("MMAP_LOCK")
    public void fork(MmStruct child, MmStruct parent) {
        MmSlot slot = slots.of(parent);
        if (slot != null) {
            enter(child).mergeAny = slot.mergeAny;
        }
    }

    /**
     * PR_SET_MEMORY_MERGE: all mappings that can be, those to come too, are mergeable, or none is. Takes the mmap lock.
     *
     * @return 0 or -ENOMEM
     */
    @KernelFunction(value = "ksm_enable_merge_any", file = "mm/ksm.c")
    public long setMergeAny(MmStruct mm, boolean on) {
        mm.mmapLock().writeLock();
        try {
            if (mergesAny(mm) == on) {
                return 0;
            }
            enter(mm).mergeAny = on;
            long result = 0;
            for (Vma area = mm.vmas().first(); area != null && result >= 0; area = area.next()) {
                result = madvise(area, area.start(), area.end(), on);
                area.setFlags(result < 0 ? area.flags() : result);
            }
            return Math.min(result, 0);
        } finally {
            mm.mmapLock().writeUnlock();
        }
    }

    /** Whether all mappings of the address space are mergeable (PR_GET_MEMORY_MERGE). */
    public boolean mergesAny(MmStruct mm) {
        MmSlot slot = slots.of(mm);
        return slot != null && slot.mergeAny;
    }

    /** The flags of a new mapping. */
    @KernelFunction(value = "ksm_vma_flags", file = "mm/ksm.c")
    @RequiresLock("MMAP_LOCK")
    public long flagsOfNew(MmStruct mm, long flags) {
        return mergesAny(mm) && KsmMerge.isCompatible(flags) ? flags | VmFlags.MERGEABLE : flags;
    }

    /** A new program takes the place of another, and with it what was asked for by {@link #setMergeAny}. */
    @KernelFunction(value = "ksm_execve", file = "include/linux/ksm.h")
    public void exec(MmStruct fresh, MmStruct old) {
        if (mergesAny(old)) {
            setMergeAny(fresh, true);
        }
    }

    /** The address space is gone. One that the scanner knows pages of it forgets itself, when it comes by. */
    @KernelFunction(value = "__ksm_exit", file = "mm/ksm.c")
    @RequiresLock("MMAP_LOCK")
    public void exit(MmStruct mm) {
        MmSlot slot = slots.of(mm);
        if (slot != null && slot.isEmpty() && !scan.isIn(slot)) {
            slots.remove(slot);
        }
    }

    // ---- settings

    public KsmKnobs knobs() {
        return knobs;
    }

    /**
     * Has the scanner work, stop, or undo everything.
     *
     * @return 0, -EINVAL, or -ENOMEM when there is no memory to undo everything
     */
    @KernelFunction(value = "run_store", file = "mm/ksm.c")
    public long setRun(long wanted) {
        if (wanted < 0 || wanted > KsmKnobs.UNMERGE) {
            return -Errno.EINVAL;
        }
        long result = 0;
        lock.writeLock();
        try {
            if (knobs.run() != wanted) {
                knobs.setRun((int) wanted);
                if (wanted == KsmKnobs.UNMERGE) {
                    result = unmergeAll();
                    knobs.setRun(result == 0 ? KsmKnobs.UNMERGE : KsmKnobs.STOP);
                }
            }
        } finally {
            lock.writeUnlock();
        }
        wake();
        return result;
    }

    /** @return 0, -EINVAL, or -EBUSY while anything is shared */
    @KernelFunction(value = "max_page_sharing_store", file = "mm/ksm.c")
    public long setMaxPageSharing(long places) {
        if (places < 2 || places > Integer.MAX_VALUE) {
            return -Errno.EINVAL;
        }
        lock.writeLock();
        try {
            if (places != knobs.maxPageSharing()) {
                if (trees.shared() != 0) {
                    return -Errno.EBUSY;
                }
                trees.clear();
                knobs.setMaxPageSharing((int) places);
            }
            return 0;
        } finally {
            lock.writeUnlock();
        }
    }

    @KernelFunction(value = "unmerge_and_remove_all_rmap_items", file = "mm/ksm.c")
    @RequiresLock("KSM_LOCK")
    private long unmergeAll() {
        scan.restart();
        for (MmSlot slot : slots.all()) {
            slot.mm.mmapLock().readLock();
            try {
                if (!slot.mm.isRetired() && !unmerge(slot.mm)) {
                    return -Errno.ENOMEM;
                }
                slot.rewind();
                slot.dropRest(trees);
                if (slot.mm.isRetired()) {
                    slots.remove(slot);
                }
            } finally {
                slot.mm.mmapLock().readUnlock();
            }
        }
        trees.clear();
        return 0;
    }

    private boolean unmerge(MmStruct mm) {
        for (Vma area = mm.vmas().first(); area != null; area = area.next()) {
            if (!unshare(area, area.start(), area.end())) {
                return false;
            }
        }
        return true;
    }

    /** Whether there is a mapping that is scanned; takes the mmap lock. */
    @KernelFunction(value = "ksm_process_mergeable", file = "mm/ksm.c")
    public boolean isMergeable(MmStruct mm) {
        mm.mmapLock().readLock();
        try {
            return mergesAny(mm) || KsmScan.hasMergeable(mm);
        } finally {
            mm.mmapLock().readUnlock();
        }
    }

    // ---- counts

    /** Pages that are shared. */
    public long pagesShared() {
        return trees.shared();
    }

    /** Places that share one of them, the first of each not counted: how many frames are saved. */
    public long pagesSharing() {
        return trees.sharing();
    }

    /** Pages that equal no other, looked at again and again. */
    public long pagesUnshared() {
        return trees.unshared();
    }

    /** Pages that change too fast to be compared. */
    @KernelFunction(value = "pages_volatile_show", file = "mm/ksm.c")
    public long pagesVolatile() {
        return Math.max(0, trees.items() - trees.shared() - trees.sharing() - trees.unshared());
    }

    /** Pages looked at. */
    public long pagesScanned() {
        return scan.scanned();
    }

    /** Pages that smart scan did not look at when their turn came. */
    public long pagesSkipped() {
        return scan.skipped();
    }

    /** How often all that is mergeable has been scanned. */
    public long fullScans() {
        return scan.fullScans();
    }

    /** Bytes saved, what it costs to know the pages taken off. */
    @KernelFunction(value = "general_profit_show", file = "mm/ksm.c")
    public long generalProfit() {
        return trees.sharing() * Page.SIZE - trees.items() * RmapItem.BYTES;
    }

    /** Contents that have more than one shared page. */
    public long stableNodeChains() {
        lock.writeLock();
        try {
            return trees.chains();
        } finally {
            lock.writeUnlock();
        }
    }

    /** Shared pages of such contents. */
    public long stableNodeDups() {
        lock.writeLock();
        try {
            return trees.duplicates();
        } finally {
            lock.writeUnlock();
        }
    }

    /** Places of an address space that share a page. */
    public long mergingPages(MmStruct mm) {
        MmSlot slot = slots.of(mm);
        return slot == null ? 0 : slot.merging;
    }

    /** Places of an address space that the scanner knows. */
    public long rmapItems(MmStruct mm) {
        MmSlot slot = slots.of(mm);
        return slot == null ? 0 : slot.itemCount;
    }

    /** Bytes that an address space saves. */
    @KernelFunction(value = "ksm_process_profit", file = "mm/ksm.c")
    public long profit(MmStruct mm) {
        return mergingPages(mm) * Page.SIZE - rmapItems(mm) * RmapItem.BYTES;
    }
}
