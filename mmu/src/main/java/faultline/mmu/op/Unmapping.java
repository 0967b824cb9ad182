package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.UserfaultEvents;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;

/**
 * The removal of all mappings of a range, in two steps, so that a new mapping can be checked against limits in between.
 *
 * <pre>
 *   before:   |---a---|  |---b---|---c---|        gather():   split a and c at the range's ends, count what will go
 *   range:        [-------------------)            complete(): empty page tables, flush, drop frames and tables,
 *   after:    |-a-|                    |-c-|                   unlink the mappings
 * </pre>
 *
 * Preconditions: the mmap lock is held alone from before {@link #gather} until after {@link #complete}.
 */
@KernelFunction(value = "vma_munmap_struct", file = "mm/vma.h")
final class Unmapping {
    private final MmStruct mm;
    private final OpEnv env;
    private final long start;
    private final long end;
    private Vma first;
    private long pages;
    private long accounted;
    private long locked;

    Unmapping(OpEnv env, MmStruct mm, long start, long end) {
        this.env = env;
        this.mm = mm;
        this.start = start;
        this.end = end;
    }

    /** Pages that will go. */
    long pages() {
        return pages;
    }

    /** Pages whose commit charge {@link #complete} will give back. */
    long accounted() {
        return accounted;
    }

    /** The charge stays: the new mapping takes it over. */
    void keepCharge() {
        accounted = 0;
    }

    /**
     * Splits mappings at the ends of the range.
     *
     * @return 0; -ENOMEM when a split would exceed vm.max_map_count; -EPERM when a mapping is sealed; -EINVAL when the
     *     range begins or ends inside a huge page of the pool
     */
    @KernelFunction(value = "vms_gather_munmap_vmas", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    int gather() {
        first = mm.vmas().intersection(start, end);
        if (first == null) {
            return 0;
        }
        int error = splitEnds();
        if (error != 0) {
            return error;
        }
        first = mm.vmas().intersection(start, end);
        for (Vma v = first; v != null && v.start() < end; v = v.next()) {
            pages += v.pages();
            if (v.has(VmFlags.ACCOUNT)) {
                accounted += v.pages();
            }
            if (v.has(VmFlags.LOCKED)) {
                locked += v.pages();
            }
            UserfaultEvents.unmapping(mm, v, start, end);
        }
        return 0;
    }

    private int splitEnds() {
        if (start > first.start()) {
            // The count may not stay above its limit: a hole in the middle adds a mapping for good.
            if (end < first.end() && mm.vmas().size() >= mm.sysctl().maxMapCount) {
                return -Errno.ENOMEM;
            }
            if (first.has(VmFlags.SEALED)) {
                return -Errno.EPERM;
            }
            int error = VmaSplit.splitUnchecked(first, start, true);
            if (error != 0) {
                return error;
            }
        }
        for (Vma v = mm.vmas().intersection(start, end); v != null && v.start() < end; v = v.next()) {
            if (v.has(VmFlags.SEALED)) {
                return -Errno.EPERM;
            }
            if (v.end() > end) {
                return VmaSplit.splitUnchecked(v, end, false);
            }
        }
        return 0;
    }

    /** Takes the gathered mappings away; cannot fail. */
    @KernelFunction(value = "vms_complete_munmap_vmas", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    void complete() {
        if (first == null) {
            return;
        }
        Vma before = first.prev();
        mm.updateHiwaterVm();
        mm.addLockedVm(-locked);
        Vma after = PageRemoval.clear(env, mm, first, end);
        Vma v = before == null ? mm.vmas().first() : before.next();
        while (v != after) {
            Vma following = v.next();
            mm.vmas().remove(v);
            mm.account(v.flags(), -v.pages());
            VmaFile.put(v);
            v = following;
        }
        mm.commit().uncharge(accounted);
    }
}
