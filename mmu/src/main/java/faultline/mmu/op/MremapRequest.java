package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.hugetlb.HugetlbMapping;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.UnmappedArea;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.table.PageTableMover;

/**
 * One call of mremap(2) under way: the request, the mapping, what it will cost, and the steps in the order they run.
 */
@KernelFunction(value = "vma_remap_struct", file = "mm/mremap.c")
final class MremapRequest {
    private static final int KNOWN = MmapFlags.MREMAP_FIXED | MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_DONTUNMAP;
    /** Mappings a move may add for a moment: it begins only with that much room below vm.max_map_count. */
    private static final int SPARE_MAPS = 3;

    private final OpEnv env;
    private final MmStruct mm;
    private final int flags;
    private long addr;
    private long oldLen;
    private long newLen;
    private long newAddr;
    private Vma vma;
    private long charged;
    private long populateStart;
    private long populateLen;

    MremapRequest(OpEnv env, MmStruct mm, long addr, long oldLen, long newLen, int flags, long newAddr) {
        this.env = env;
        this.mm = mm;
        this.addr = addr;
        this.oldLen = MmLayout.pageAlign(oldLen);
        this.newLen = MmLayout.pageAlign(newLen);
        this.flags = flags;
        this.newAddr = newAddr;
    }

    /** Bytes that the caller is to bring in once it has let go of the lock: a locked mapping has grown. */
    long populateLen() {
        return populateLen;
    }

    long populateStart() {
        return populateStart;
    }

    /** What can be said of the arguments alone. @return 0 or -errno */
    @KernelFunction(value = "check_mremap_params", file = "mm/mremap.c")
    long checkParams() {
        if ((flags & ~KNOWN) != 0 || MmLayout.offsetInPage(addr) || newLen == 0) {
            return -Errno.EINVAL;
        }
        if (Long.compareUnsigned(newLen, MmLayout.TASK_SIZE) > 0) {
            return -Errno.EINVAL;
        }
        if (!impliesNewAddress()) {
            return 0;
        }
        if (MmLayout.offsetInPage(newAddr)
                || (flags & MmapFlags.MREMAP_MAYMOVE) == 0
                || dontUnmap() && oldLen != newLen
                || Long.compareUnsigned(newAddr, MmLayout.TASK_SIZE - newLen) > 0
                || overlaps()) {
            return -Errno.EINVAL;
        }
        return mm.vmas().size() + 2 >= mm.sysctl().maxMapCount - SPARE_MAPS ? -Errno.ENOMEM : 0;
    }

    private boolean impliesNewAddress() {
        return (flags & (MmapFlags.MREMAP_FIXED | MmapFlags.MREMAP_DONTUNMAP)) != 0;
    }

    private boolean fixed() {
        return (flags & MmapFlags.MREMAP_FIXED) != 0;
    }

    private boolean dontUnmap() {
        return (flags & MmapFlags.MREMAP_DONTUNMAP) != 0;
    }

    @KernelFunction(value = "vrm_overlaps", file = "mm/mremap.c")
    private boolean overlaps() {
        return Long.compareUnsigned(addr + oldLen, newAddr) > 0 && Long.compareUnsigned(newAddr + newLen, addr) > 0;
    }

    /** @return the new address or -errno */
    @RequiresLock("MMAP_LOCK")
    long run() {
        if (fixed() && oldLen == newLen) {
            return moveEach();
        }
        vma = mm.vmas().lookup(addr);
        long error = checkMapping();
        if (error != 0) {
            return error;
        }
        return impliesNewAddress() ? to() : at();
    }

    /**
     * A pure move may span several mappings, which keep the gaps between them; the first must begin with the range.
     *
     * <pre>
     *   |--A--|  |-B-|      to      |--A'-|  |-B'|
     * </pre>
     */
    @KernelFunction(value = "remap_move", file = "mm/mremap.c")
    private long moveEach() {
        long start = addr;
        long end = addr + oldLen;
        long target = newAddr;
        long lastEnd = 0;
        long result = -Errno.EFAULT;
        boolean seen = false;
        if (Long.compareUnsigned(end, start) <= 0) {
            return oldLen == 0 ? duplicateShared() : -Errno.EFAULT;
        }
        long resume = start;
        while (resume < end) {
            Vma v = mm.vmas().intersection(resume, end);
            if (v == null) {
                break;
            }
            if (!seen && start < v.start()) {
                return -Errno.EFAULT;
            }
            if (!movesWithOthers(v) && (seen || v.end() < end)) {
                return -Errno.EFAULT;
            }
            long gap = seen ? v.start() - lastEnd : 0;
            lastEnd = v.end();
            vma = v;
            addr = Math.max(v.start(), resume);
            oldLen = Math.min(end, v.end()) - addr;
            newLen = oldLen;
            newAddr = target + gap;
            resume = addr + oldLen;
            long moved = checkMapping();
            if (moved == 0) {
                moved = to();
            }
            if (Errno.isError(moved)) {
                return moved;
            }
            if (!seen) {
                result = moved;
            }
            seen = true;
            target = moved + newLen;
        }
        return result;
    }

    @KernelFunction(value = "vma_multi_allowed", file = "mm/mremap.c")
    private static boolean movesWithOthers(Vma v) {
        boolean ordinary = v.ops() == null && (v.file() == null || !v.file().hasOwnOperations());
        return v.userfault() == null && (ordinary || v.has(VmFlags.HUGETLB));
    }

    /** old_len and new_len 0 are refused before, so this is old_len 0 with a range that is empty: nothing to move. */
    private long duplicateShared() {
        return -Errno.EFAULT;
    }

    private boolean expands() {
        return newLen > oldLen;
    }

    private long delta() {
        return Math.abs(newLen - oldLen);
    }

    /** What the mapping at the address allows. @return 0 or -errno */
    @KernelFunction(value = "check_prep_vma", file = "mm/mremap.c")
    private long checkMapping() {
        if (vma == null) {
            return -Errno.EFAULT;
        }
        if (vma.has(VmFlags.SEALED)) {
            return -Errno.EPERM;
        }
        if (vma.has(VmFlags.HUGETLB) && !alignHuge()) {
            return -Errno.EINVAL;
        }
        if (!impliesNewAddress()) {
            newAddr = addr;
        }
        if (!expands() && !impliesNewAddress()) {
            return 0;
        }
        if (oldLen == 0 && !vma.hasAny(VmFlags.SHARED | VmFlags.MAYSHARE)) {
            return -Errno.EINVAL;
        }
        if (dontUnmap() && vma.hasAny(VmFlags.DONTEXPAND | VmFlags.PFNMAP)) {
            return -Errno.EINVAL;
        }
        long kept = Math.min(oldLen, newLen);
        if (kept > vma.end() - addr) {
            return -Errno.EFAULT;
        }
        return newLen == kept ? 0 : checkGrowth();
    }

    /** Lengths are made ones of whole huge pages. @return false where an address is none, or the mapping would grow */
    @KernelFunction(value = "align_hugetlb", file = "mm/mremap.c")
    private boolean alignHuge() {
        long within = vma.ops().pageSize() - 1;
        oldLen = oldLen + within & ~within;
        newLen = newLen + within & ~within;
        return ((addr | newAddr) & within) == 0 && newLen <= oldLen;
    }

    private long checkGrowth() {
        if (vma.has(VmFlags.LOCKED)) {
            populateLen = delta();
        }
        long pgoff = vma.pageIndex(addr);
        if (Long.compareUnsigned(pgoff + (newLen >>> MmLayout.PAGE_SHIFT), pgoff) < 0) {
            return -Errno.EINVAL;
        }
        if (vma.hasAny(VmFlags.DONTEXPAND | VmFlags.PFNMAP)) {
            return -Errno.EFAULT;
        }
        if (!mm.mlockFutureOk(vma.flags(), delta())) {
            return -Errno.EAGAIN;
        }
        return mm.mayExpand(vma.flags(), delta() >>> MmLayout.PAGE_SHIFT) ? 0 : -Errno.ENOMEM;
    }

    /** MREMAP_FIXED or MREMAP_DONTUNMAP: the mapping moves whatever its sizes. */
    @KernelFunction(value = "mremap_to", file = "mm/mremap.c")
    private long to() {
        if (fixed()) {
            int error = Munmap.unmap(env, mm, newAddr, newLen);
            if (error != 0) {
                return error;
            }
            // Clearing the destination may have split or removed the mapping.
            vma = mm.vmas().lookup(addr);
            if (vma == null) {
                return -Errno.EFAULT;
            }
        }
        if (newLen < oldLen) {
            int error = Munmap.unmap(env, mm, addr + newLen, oldLen - newLen);
            if (error != 0) {
                return error;
            }
            oldLen = newLen;
            vma = mm.vmas().lookup(addr);
        }
        if (dontUnmap() && !mm.mayExpand(vma.flags(), oldLen >>> MmLayout.PAGE_SHIFT)) {
            return -Errno.ENOMEM;
        }
        long error = chooseAddress();
        return error != 0 ? error : move();
    }

    /** No address implied: in place if possible. */
    @KernelFunction(value = "mremap_at", file = "mm/mremap.c")
    private long at() {
        if (newLen == oldLen) {
            return addr;
        }
        if (newLen < oldLen) {
            int error = Munmap.unmap(env, mm, addr + newLen, oldLen - newLen);
            return error != 0 ? error : addr;
        }
        if (canExpandInPlace()) {
            return expandInPlace();
        }
        if ((flags & MmapFlags.MREMAP_MAYMOVE) == 0) {
            return -Errno.ENOMEM;
        }
        long error = chooseAddress();
        return error != 0 ? error : move();
    }

    @KernelFunction(value = "vma_expandable", file = "mm/mremap.c")
    private boolean canExpandInPlace() {
        if (vma.end() - addr != oldLen) {
            return false;
        }
        long end = vma.end() + delta();
        if (end < vma.end() || mm.vmas().intersection(vma.end(), end) != null) {
            return false;
        }
        return !Errno.isError(UnmappedArea.get(mm, vma.start(), end - vma.start(), true, 0, MmapFlags.FIXED));
    }

    @KernelFunction(value = "expand_vma_in_place", file = "mm/mremap.c")
    private long expandInPlace() {
        if (!charge()) {
            return -Errno.ENOMEM;
        }
        long pgoff = vma.pgoff() + vma.pages();
        long flagsBefore = vma.flags();
        Vma grown =
                VmaMerge.forCopyOf(vma, vma.end(), vma.end() + delta(), pgoff).newRange();
        if (grown == null) {
            mm.commit().uncharge(charged);
            return -Errno.ENOMEM;
        }
        vma = grown;
        account(flagsBefore, delta());
        populateStart = addr + oldLen;
        return addr;
    }

    @KernelFunction(value = "vrm_calc_charge", file = "mm/mremap.c")
    private boolean charge() {
        charged = 0;
        if (!vma.has(VmFlags.ACCOUNT)) {
            return true;
        }
        long pages = (dontUnmap() ? newLen : newLen - oldLen) >>> MmLayout.PAGE_SHIFT;
        if (pages != 0 && mm.commit().charge(pages) != 0) {
            return false;
        }
        charged = pages;
        return true;
    }

    private void account(long vmFlags, long bytes) {
        long pages = bytes >>> MmLayout.PAGE_SHIFT;
        mm.account(vmFlags, pages);
        if ((vmFlags & VmFlags.LOCKED) != 0) {
            mm.addLockedVm(pages);
        }
    }

    @KernelFunction(value = "vrm_set_new_addr", file = "mm/mremap.c")
    private long chooseAddress() {
        long hint = impliesNewAddress() ? newAddr : 0;
        int how = fixed() ? MmapFlags.FIXED : 0;
        long found = vma.has(VmFlags.HUGETLB)
                ? UnmappedArea.getHuge(mm, hint, newLen, how, vma.ops().pageSize())
                : UnmappedArea.get(mm, hint, newLen, vma.file() == null, vma.pageIndex(addr), how);
        if (Errno.isError(found)) {
            return found;
        }
        newAddr = found;
        return 0;
    }

    /** Copies the mapping, moves the entries, and removes the source; or puts all back and removes the copy. */
    @KernelFunction(value = "move_vma", file = "mm/mremap.c")
    private long move() {
        if (mm.vmas().size() >= mm.sysctl().maxMapCount - SPARE_MAPS || !charge()) {
            return -Errno.ENOMEM;
        }
        Vma copy = env.ksm.unshare(vma, addr, addr + oldLen) ? VmaCopy.copy(vma, addr, newAddr, newLen) : null;
        if (copy == null) {
            mm.commit().uncharge(charged);
            return -Errno.ENOMEM;
        }
        if (!vma.isLinked()) {
            vma = copy; // never touched, it has been merged with its own copy
        }
        boolean complete = moveEntries(copy);
        if (complete) {
            UserfaultRegistration.moved(env, copy, addr, newAddr, oldLen, newLen);
        }
        long hiwater = mm.hiwaterVm();
        account(vma.flags(), newLen);
        if (!complete) {
            // The copy goes the way the source would have gone.
            vma = copy;
            addr = newAddr;
            oldLen = newLen;
            unmapSource();
        } else if (dontUnmap()) {
            keepSource(copy);
        } else {
            unmapSource();
        }
        mm.setHiwaterVm(hiwater);
        populateStart = newAddr + (newLen - populateLen);
        return complete ? newAddr : -Errno.ENOMEM;
    }

    /** @return false when tables could not be had: then everything is back where it was */
    @KernelFunction(value = "copy_vma_and_data", file = "mm/mremap.c")
    private boolean moveEntries(Vma copy) {
        long moved = mover(vma, copy).move(addr, newAddr, oldLen);
        if (moved == oldLen) {
            return true;
        }
        // Going back cannot fail: the tables of the source are still there.
        mover(copy, vma).move(newAddr, addr, moved);
        return false;
    }

    private PageTableMover mover(Vma from, Vma to) {
        MremapHook hook = new MremapHook(env.tables.huge(), from, to);
        return new PageTableMover(env.tables, mm, env.moveMode, env.moveHook.apply(hook));
    }

    /** The source stays as a mapping without pages; it is locked no longer, in all its length. */
    @KernelFunction(value = "dontunmap_complete", file = "mm/mremap.c")
    private void keepSource(Vma copy) {
        if (vma.has(VmFlags.LOCKED)) {
            mm.addLockedVm(-vma.pages());
            vma.setFlags(vma.flags() & ~VmFlags.LOCKED_MASK);
        }
        if (copy != vma && addr == vma.start() && addr + oldLen == vma.end() && vma.anonVma() != null) {
            VmaRelink.unlinkAnon(vma);
        }
    }

    /**
     * Removes the source. The charge has moved with the pages, so the source must not give it back: it loses VM_ACCOUNT
     * for the moment of its unmapping, and what remains of it on either side gets it back.
     */
    @KernelFunction(value = "unmap_source_vma", file = "mm/mremap.c")
    private void unmapSource() {
        boolean accountable = vma.has(VmFlags.ACCOUNT) && !dontUnmap();
        long start = vma.start();
        long end = vma.end();
        if (accountable) {
            vma.setFlags(vma.flags() & ~VmFlags.ACCOUNT);
        }
        if (oldLen == 0) {
            return;
        }
        leavePromises();
        int error = Munmap.unmap(env, mm, addr, oldLen);
        if (!accountable) {
            return;
        }
        if (error != 0) {
            // Not split for want of memory: the source stays mapped, so it stays counted.
            mm.commit().force(oldLen >>> MmLayout.PAGE_SHIFT);
            vma.setFlags(vma.flags() | VmFlags.ACCOUNT);
            return;
        }
        if (start < addr) {
            restoreAccount(mm.vmas().lookup(start));
        }
        if (end > addr + oldLen) {
            restoreAccount(mm.vmas().lookup(end - MmLayout.PAGE_SIZE));
        }
    }

    /** Huge pages that are reserved for what has moved stay so for its copy: only the part that goes forgets them. */
    private void leavePromises() {
        if (!vma.has(VmFlags.HUGETLB)) {
            return;
        }
        boolean apart = (vma.start() == addr || VmaSplit.splitUnchecked(vma, addr, true) == 0)
                && (vma.end() == addr + oldLen || VmaSplit.splitUnchecked(vma, addr + oldLen, false) == 0);
        if (apart) {
            HugetlbMapping.forgetPromises(vma);
        }
    }

    private static void restoreAccount(Vma remains) {
        remains.setFlags(remains.flags() | VmFlags.ACCOUNT);
    }
}
