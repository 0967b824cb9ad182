package faultline.mmu.op;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.MappedFile;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.VmOperations;
import faultline.mmu.mm.Vma;
import faultline.mmu.mm.VmaTree;
import faultline.mmu.policy.Mempolicy;
import java.util.Objects;

/**
 * One attempt to let a range and its neighbours become one mapping, so that /proc/PID/maps has the shape it has on
 * Linux.
 *
 * <pre>
 *   new range:       |--prev--|..range..|--next--|      range is free; it joins prev, next, or both
 *   existing range:  |--prev--|--middle-|--next--|      range is a part of middle that starts or ends with it
 * </pre>
 *
 * Two neighbours merge when their flags, file, offsets, operations and memory policies fit together and their anonymous
 * families are the same, or one has none yet. Preconditions: the mmap lock is held alone.
 */
@KernelFunction(value = "vma_merge_struct", file = "mm/vma.h")
final class VmaMerge {
    private final MmStruct mm;
    private final VmaTree tree;
    private Vma prev;
    private Vma next;
    private long start;
    private long end;
    private long flags;
    private long pgoff;
    private MappedFile file;
    private VmOperations ops;
    private Object userfault;
    private Mempolicy policy;
    /** The mapping whose anonymous family the range has or gets: middle, or what mremap copies; null: none yet. */
    private Vma anonSource;

    private VmaMerge(MmStruct mm, long start, long end) {
        this.mm = mm;
        this.tree = mm.vmas();
        this.start = start;
        this.end = end;
    }

    /** A free range that is about to be mapped. */
    static VmaMerge forNew(MmStruct mm, long start, long end, long flags, long pgoff, MappedFile file) {
        VmaMerge merge = new VmaMerge(mm, start, end);
        merge.flags = flags;
        merge.pgoff = pgoff;
        merge.file = file;
        merge.next = mm.vmas().find(start);
        merge.prev = merge.next == null ? mm.vmas().last() : merge.next.prev();
        return merge;
    }

    /** A free range that is to become a copy of {@code source}, or {@code source}'s extension. */
    static VmaMerge forCopyOf(Vma source, long start, long end, long pgoff) {
        VmaMerge merge = forNew(source.mm(), start, end, source.flags(), pgoff, source.file());
        merge.ops = source.ops();
        merge.userfault = source.userfault();
        merge.policy = source.policy();
        merge.anonSource = source;
        return merge;
    }

    /** A part of {@code middle} whose flags are about to become {@code flags}. */
    static VmaMerge forExisting(Vma middle, long start, long end, long flags) {
        VmaMerge merge = new VmaMerge(middle.mm(), start, end);
        merge.flags = flags;
        merge.pgoff = middle.pageIndex(start);
        merge.file = middle.file();
        merge.ops = middle.ops();
        merge.userfault = middle.userfault();
        merge.policy = middle.policy();
        merge.anonSource = middle;
        merge.prev = start == middle.start() ? middle.prev() : middle;
        merge.next = middle.next();
        return merge;
    }

    /**
     * Joins the free range to its neighbours.
     *
     * @return the mapping that now holds it, or null when none fits: then nothing has changed
     */
    @KernelFunction(value = "vma_merge_new_range", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    Vma newRange() {
        if ((flags & VmFlags.SPECIAL) != 0) {
            return null;
        }
        boolean left = canMergeLeft();
        boolean right = canMergeRight(left);
        if (left && right && hasClose(next)) {
            right = false;
        }
        if (!left && !right) {
            return null;
        }
        Vma target = left ? prev : next;
        if (left && right) {
            adopt(prev, next.anonVma() != null ? next : anonSource);
            expand(prev, next);
        } else {
            adopt(target, anonSource);
            expand(target, null);
        }
        return softDirty(target);
    }

    /**
     * What holds fresh memory counts as written as a whole (VM_SOFTDIRTY): nobody could tell its new pages from its
     * old.
     */
    private static Vma softDirty(Vma target) {
        if (!target.has(VmFlags.SOFTDIRTY)) {
            target.setFlags(target.flags() | VmFlags.SOFTDIRTY);
        }
        return target;
    }

    /** As {@link #newRange}, but only onto the end of the mapping before: growth of the heap. */
    @RequiresLock("MMAP_LOCK")
    Vma expandPrevious() {
        if (!canMergeLeft()) {
            return null;
        }
        expand(prev, null);
        return softDirty(prev);
    }

    /** Gives {@code target} the range, and all of {@code swallowed}, which goes. */
    @KernelFunction(value = "vma_expand", file = "mm/vma.c")
    private void expand(Vma target, Vma swallowed) {
        long from = target == prev ? prev.start() : start;
        long offset = target == prev ? prev.pgoff() : pgoff;
        long to = target == next ? next.end() : swallowed != null ? swallowed.end() : end;
        try (VmaRelink _ = VmaRelink.open(target, swallowed)) {
            if (swallowed != null) {
                tree.remove(swallowed);
            }
            tree.setBounds(target, from, to, offset);
        }
        release(swallowed);
    }

    /**
     * Joins the range, a part of middle at its start or its end or all of it, to its neighbours.
     *
     * @return the mapping that now holds it, with its neighbour's flags; or null when none fits: then nothing has
     *     changed
     */
    @KernelFunction(value = "vma_merge_existing_range", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    Vma existingRange() {
        Vma middle = anonSource;
        boolean atStart = start == middle.start();
        boolean atEnd = end == middle.end();
        if ((flags & VmFlags.SPECIAL) != 0 || !atStart && !atEnd) {
            return null;
        }
        boolean left = atStart && canMergeLeft();
        boolean right = atEnd && canMergeRight(left);
        if (!left && !right || atStart && atEnd && hasClose(middle)) {
            return null;
        }
        if (left && right && hasClose(next)) {
            right = false;
        }
        if (left && right) {
            return swallowBoth(middle);
        }
        return left ? giveToPrevious(middle, atEnd) : giveToNext(middle, atStart);
    }

    private Vma swallowBoth(Vma middle) {
        Vma lost = next;
        adopt(prev, next.anonVma() != null ? next : middle);
        try (VmaRelink _ = VmaRelink.open(prev, middle, lost)) {
            tree.remove(middle);
            tree.remove(lost);
            tree.setBounds(prev, prev.start(), lost.end(), prev.pgoff());
        }
        release(middle);
        release(lost);
        return prev;
    }

    private Vma giveToPrevious(Vma middle, boolean whole) {
        adopt(prev, middle);
        if (!whole) {
            HugeBoundary.splitAt(middle, end);
        }
        try (VmaRelink _ = VmaRelink.open(prev, middle)) {
            if (whole) {
                tree.remove(middle);
            } else {
                tree.setBounds(middle, end, middle.end(), middle.pageIndex(end));
            }
            tree.setBounds(prev, prev.start(), end, prev.pgoff());
        }
        if (whole) {
            release(middle);
        }
        return prev;
    }

    private Vma giveToNext(Vma middle, boolean whole) {
        adopt(next, middle);
        if (!whole) {
            HugeBoundary.splitAt(middle, start);
        }
        long offset = next.pgoff() - (end - start >>> MmLayout.PAGE_SHIFT);
        try (VmaRelink _ = VmaRelink.open(middle, next)) {
            if (whole) {
                tree.remove(middle);
            } else {
                tree.setBounds(middle, middle.start(), start, middle.pgoff());
            }
            tree.setBounds(next, start, next.end(), offset);
        }
        if (whole) {
            release(middle);
        }
        return next;
    }

    /** {@code target} takes over pages of {@code source}: it must be of the same family. */
    @KernelFunction(value = "dup_anon_vma", file = "mm/vma.c")
    private static void adopt(Vma target, Vma source) {
        if (target.anonVma() == null && source != null && source != target) {
            target.shareAnonVma(source);
        }
    }

    private static void release(Vma gone) {
        if (gone != null) {
            gone.setAnonVma(null);
            VmaFile.put(gone);
        }
    }

    private boolean canMergeLeft() {
        return prev != null
                && prev.end() == start
                && isMergeable(prev)
                && anonFits(prev)
                && prev.pgoff() + prev.pages() == pgoff;
    }

    /** Whether the range fits the next mapping; and that one the previous, where all three are to become one. */
    private boolean canMergeRight(boolean left) {
        if (next == null
                || next.start() != end
                || !isMergeable(next)
                || !anonFits(next)
                || next.pgoff() != pgoff + (end - start >>> MmLayout.PAGE_SHIFT)) {
            return false;
        }
        return !left || prev.anonVma() == null || next.anonVma() == null || prev.anonMergeKey() == next.anonMergeKey();
    }

    @KernelFunction(value = "is_mergeable_vma", file = "mm/vma.c")
    private boolean isMergeable(Vma neighbour) {
        return ((neighbour.flags() ^ flags) & ~VmFlags.SOFTDIRTY) == 0
                && neighbour.file() == file
                && neighbour.ops() == ops
                && neighbour.userfault() == userfault
                && Objects.equals(neighbour.policy(), policy);
    }

    /**
     * Families fit when they are the same or one has none; but never is a family that came by fork given to a mapping
     * outside it, lest the child's pages gather under its parent's lock.
     */
    @KernelFunction(value = "is_mergeable_anon_vma", file = "mm/vma.c")
    private boolean anonFits(Vma target) {
        boolean sourceHas = anonSource != null && anonSource.anonVma() != null;
        if (target.anonVma() == null) {
            return !sourceHas || !anonSource.isForkChild();
        }
        if (!sourceHas) {
            return !target.isForkChild();
        }
        return target.anonMergeKey() == anonSource.anonMergeKey();
    }

    private static boolean hasClose(Vma vma) {
        return vma.ops() != null && vma.ops().hasClose()
                || vma.file() != null && vma.file().hasOwnOperations();
    }

    /**
     * Gives a part of a mapping other flags: by merging it with a neighbour that has them, else by splitting it off.
     * The flags themselves are set by the caller.
     *
     * @return the mapping that holds exactly the part, or the merged one; null for -ENOMEM
     */
    @KernelFunction(value = "vma_modify", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    static Vma modifyFlags(Vma vma, long start, long end, long newFlags) {
        return modify(vma, start, end, newFlags, vma.userfault());
    }

    /** As {@link #modifyFlags}, with the userfaultfd context that the part is to be registered with, or null. */
    @KernelFunction(value = "vma_modify_flags_uffd", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    static Vma modify(Vma vma, long start, long end, long newFlags, Object userfault) {
        VmaMerge attempt = forExisting(vma, start, end, newFlags);
        attempt.userfault = userfault;
        return mergeOrSplit(attempt, vma, start, end);
    }

    /** As {@link #modifyFlags}, with the memory policy that the part is to have, or null. */
    @KernelFunction(value = "vma_modify_policy", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    static Vma modifyPolicy(Vma vma, long start, long end, Mempolicy policy) {
        VmaMerge attempt = forExisting(vma, start, end, vma.flags());
        attempt.policy = policy;
        return mergeOrSplit(attempt, vma, start, end);
    }

    @RequiresLock("MMAP_LOCK")
    private static Vma mergeOrSplit(VmaMerge attempt, Vma vma, long start, long end) {
        Vma merged = attempt.existingRange();
        if (merged != null) {
            return merged;
        }
        if (vma.start() < start && VmaSplit.split(vma, start, true) != 0) {
            return null;
        }
        if (vma.end() > end && VmaSplit.split(vma, end, false) != 0) {
            return null;
        }
        return vma;
    }
}
