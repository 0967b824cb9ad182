package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.MappedFile;
import faultline.mmu.hugetlb.HugetlbInode;
import faultline.mmu.hugetlb.HugetlbMapping;
import faultline.mmu.mm.CommitAccount;
import faultline.mmu.mm.DeviceMapping;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.mm.UnmappedArea;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;

/**
 * One call of mmap(2) under way: first the checks in Linux's order, then room is made, then the mapping is entered,
 * merged with a neighbour where it fits.
 */
final class MmapRequest {
    private static final long PFN_OVERFLOW = Long.MAX_VALUE >>> MmLayout.PAGE_SHIFT;

    private final OpEnv env;
    private final MmStruct mm;
    private final MappedFile file;
    /** Whether the file's pages are huge ones of the pool. */
    private final boolean huge;

    private final int prot;
    private int flags;
    private long vmFlags;
    private long pgoff;
    private long addr;
    private long len;
    private boolean populate;
    private boolean readOnlyDevice;
    /** Null for anonymous memory and files. */
    private DeviceMapping device;

    MmapRequest(OpEnv env, MmStruct mm, MappedFile file, int prot, int flags) {
        this.env = env;
        this.mm = mm;
        this.file = file;
        this.huge = file != null && file.isHugetlb();
        this.prot = prot;
        this.flags = flags;
    }

    /**
     * A shared mapping of a device that was opened for reading only: never to be written, whatever mprotect is asked.
     */
    void setReadOnlyDevice() {
        readOnlyDevice = true;
    }

    /** Maps a device. It may be neither anonymous memory nor a file then. */
    void ofDevice(DeviceMapping mapped) {
        device = mapped;
    }

    /** Whether the caller is to bring the pages in, once it has let go of the lock. */
    boolean populate() {
        return populate;
    }

    /** @return the address or -errno */
    @KernelFunction(value = "do_mmap", file = "mm/mmap.c")
    @RequiresLock("MMAP_LOCK")
    long map(long hint, long length, long filePage) {
        if (length == 0) {
            return -Errno.EINVAL;
        }
        pgoff = filePage;
        if ((flags & MmapFlags.FIXED_NOREPLACE) != 0) {
            flags |= MmapFlags.FIXED;
        }
        addr = (flags & MmapFlags.FIXED) != 0 ? hint : roundHint(hint);
        len = MmLayout.pageAlign(length);
        if (len == 0) {
            return -Errno.ENOMEM;
        }
        if (Long.compareUnsigned(pgoff + (len >>> MmLayout.PAGE_SHIFT), pgoff) < 0) {
            return -Errno.EOVERFLOW;
        }
        if (mm.vmas().size() > mm.sysctl().maxMapCount) {
            return -Errno.ENOMEM;
        }
        vmFlags = VmFlags.ofProt(prot) | flagBits() | mm.defFlags() | VmFlags.MAY_FLAGS;
        addr = huge
                ? UnmappedArea.getHuge(
                        mm, addr, len, flags, HugetlbInode.of(file).pool().pageSize())
                : UnmappedArea.get(mm, addr, len, file == null, pgoff, flags);
        if (Errno.isError(addr)) {
            return addr;
        }
        int error = checkRequest();
        if (error != 0) {
            return error;
        }
        // Huge pages are promised whatever the rule for other memory is.
        if ((flags & MmapFlags.NORESERVE) != 0 && (huge || mm.commit().mode() != CommitAccount.Mode.NEVER)) {
            vmFlags |= VmFlags.NORESERVE;
        }
        long result = region();
        populate = (vmFlags & VmFlags.LOCKED) != 0
                || (flags & (MmapFlags.POPULATE | MmapFlags.NONBLOCK)) == MmapFlags.POPULATE;
        return result;
    }

    @KernelFunction("round_hint_to_min")
    private long roundHint(long hint) {
        long page = hint & MmLayout.PAGE_MASK;
        long min = mm.sysctl().mmapMinAddr;
        return page != 0 && Long.compareUnsigned(page, min) < 0 ? MmLayout.pageAlign(min) : page;
    }

    @KernelFunction("calc_vm_flag_bits")
    private long flagBits() {
        long bits = 0;
        if ((flags & MmapFlags.GROWSDOWN) != 0) {
            bits |= VmFlags.GROWSDOWN;
        }
        if ((flags & MmapFlags.LOCKED) != 0) {
            bits |= VmFlags.LOCKED;
        }
        if ((flags & MmapFlags.STACK) != 0) {
            bits |= VmFlags.NOHUGEPAGE;
        }
        return bits;
    }

    private int checkRequest() {
        if ((flags & MmapFlags.FIXED_NOREPLACE) != 0 && mm.vmas().intersection(addr, addr + len) != null) {
            return -Errno.EEXIST;
        }
        if ((flags & MmapFlags.LOCKED) != 0 && !mm.limits().canDoMlock()) {
            return -Errno.EPERM;
        }
        if (!mm.mlockFutureOk(vmFlags, len)) {
            return -Errno.EAGAIN;
        }
        if (device != null) {
            return checkDevice();
        }
        return file != null ? checkFile() : checkAnonymous();
    }

    private int checkDevice() {
        int type = flags & MmapFlags.TYPE;
        boolean shared = type == MmapFlags.SHARED || type == MmapFlags.SHARED_VALIDATE;
        if (!shared && type != MmapFlags.PRIVATE) {
            return -Errno.EINVAL;
        }
        if (shared) {
            vmFlags |= VmFlags.SHARED | VmFlags.MAYSHARE;
        }
        if (readOnlyDevice) {
            vmFlags &= ~(VmFlags.MAYWRITE | VmFlags.SHARED);
        }
        return device.check(len >>> MmLayout.PAGE_SHIFT, pgoff, shared);
    }

    /** Rights to a file: shared ones first, then those that every mapping needs. */
    private int checkFile() {
        if (Long.compareUnsigned(pgoff, PFN_OVERFLOW - (len >>> MmLayout.PAGE_SHIFT)) > 0) {
            return -Errno.EOVERFLOW;
        }
        int type = flags & MmapFlags.TYPE;
        if (type == MmapFlags.SHARED || type == MmapFlags.SHARED_VALIDATE) {
            if (type == MmapFlags.SHARED_VALIDATE && (flags & ~MmapFlags.LEGACY_MASK) != 0) {
                return -Errno.EOPNOTSUPP;
            }
            if ((prot & Prot.WRITE) != 0 && !file.writable()) {
                return -Errno.EACCES;
            }
            if ((prot & Prot.WRITE) != 0 && file.isSwapFile()) {
                return -Errno.ETXTBSY;
            }
            vmFlags |= VmFlags.SHARED | VmFlags.MAYSHARE;
            if (!file.writable()) {
                vmFlags &= ~(VmFlags.MAYWRITE | VmFlags.SHARED);
            }
        } else if (type != MmapFlags.PRIVATE) {
            return type == MmapFlags.DROPPABLE ? -Errno.EOPNOTSUPP : -Errno.EINVAL;
        }
        if (!file.readable()) {
            return -Errno.EACCES;
        }
        if (file.noexec()) {
            if ((vmFlags & VmFlags.EXEC) != 0) {
                return -Errno.EPERM;
            }
            vmFlags &= ~VmFlags.MAYEXEC;
        }
        if (file.mapping() == null) {
            return -Errno.ENODEV;
        }
        if ((vmFlags & VmFlags.GROWSDOWN) != 0) {
            return -Errno.EINVAL;
        }
        return (vmFlags & VmFlags.SHARED) != 0 && file.sealedAgainstWrites() ? checkSeals() : 0;
    }

    /** A shared mapping of a sealed file can be read only, now and for ever. */
    @KernelFunction(value = "memfd_check_seals_mmap", file = "mm/memfd.c")
    private int checkSeals() {
        if ((vmFlags & VmFlags.WRITE) != 0) {
            return -Errno.EPERM;
        }
        vmFlags &= ~VmFlags.MAYWRITE;
        return 0;
    }

    private int checkAnonymous() {
        boolean grows = (vmFlags & VmFlags.GROWSDOWN) != 0;
        switch (flags & MmapFlags.TYPE) {
            case MmapFlags.SHARED -> {
                if (grows) {
                    return -Errno.EINVAL;
                }
                pgoff = 0;
                vmFlags |= VmFlags.SHARED | VmFlags.MAYSHARE;
                if (readOnlyDevice) {
                    if ((prot & Prot.WRITE) != 0) {
                        return -Errno.EACCES;
                    }
                    vmFlags &= ~VmFlags.MAYWRITE;
                }
            }
            case MmapFlags.DROPPABLE -> {
                if ((flags & MmapFlags.LOCKED) != 0 || grows) {
                    return -Errno.EINVAL;
                }
                vmFlags |= VmFlags.DROPPABLE | VmFlags.NORESERVE | VmFlags.WIPEONFORK | VmFlags.DONTDUMP;
                pgoff = addr >>> MmLayout.PAGE_SHIFT;
            }
            case MmapFlags.PRIVATE -> pgoff = addr >>> MmLayout.PAGE_SHIFT;
            default -> {
                return -Errno.EINVAL;
            }
        }
        return 0;
    }

    /** Makes room, charges, and enters the mapping; nothing is lost of what was there when this fails. */
    @KernelFunction(value = "mmap_region", file = "mm/vma.c")
    private long region() {
        boolean writes = file != null && VmFlags.isSharedMayWrite(vmFlags);
        if (writes && !file.mapping().areas().mapWritable()) {
            return -Errno.EPERM;
        }
        try {
            return enterRegion();
        } finally {
            if (writes) {
                file.mapping().areas().unmapWritable();
            }
        }
    }

    private long enterRegion() {
        vmFlags = env.ksm.flagsOfNew(mm, vmFlags);
        Unmapping old = new Unmapping(env, mm, addr, addr + len);
        int error = old.gather();
        if (error != 0) {
            return error;
        }
        long pages = len >>> MmLayout.PAGE_SHIFT;
        if (!mm.mayExpand(vmFlags, pages - old.pages())) {
            return -Errno.ENOMEM;
        }
        long charged = 0;
        if (!huge && (vmFlags & (VmFlags.NORESERVE | VmFlags.SHARED | VmFlags.WRITE)) == VmFlags.WRITE) {
            charged = pages - old.accounted();
            if (charged != 0 && mm.commit().charge(charged) != 0) {
                return -Errno.ENOMEM;
            }
            vmFlags |= VmFlags.ACCOUNT;
        }
        MappedFile behind = file;
        Vma fresh = null;
        if (file == null && device == null && (vmFlags & VmFlags.SHARED) != 0) {
            behind = SharedMemoryFile.create(env.cache(), mm.commit(), len, (vmFlags & VmFlags.NORESERVE) == 0);
            if (behind == null) {
                mm.commit().uncharge(charged);
                return -Errno.ENOMEM;
            }
        }
        // The mapping is made before the old ones go, so that the last thing that can fail has not.
        fresh = VmaSplit.allocate(mm, addr, addr + len, vmFlags, pgoff);
        if (fresh == null) {
            mm.commit().uncharge(charged);
            if (behind != file) {
                behind.put();
            }
            return -Errno.ENOMEM;
        }
        if ((vmFlags & VmFlags.ACCOUNT) != 0) {
            old.keepCharge();
        }
        old.complete();
        if (huge) {
            return enterHuge(fresh);
        }
        Vma vma = behind == file && device == null
                ? VmaMerge.forNew(mm, addr, addr + len, vmFlags, pgoff, behind).newRange()
                : null;
        if (vma == null) {
            vma = enter(fresh, behind);
        }
        mm.account(vmFlags, pages);
        settleLock(vma, pages);
        return addr;
    }

    /** What was mapped there gave its huge pages back first: they may be the ones that are promised now. */
    private long enterHuge(Vma fresh) {
        fresh.setFile(file, false);
        int error = HugetlbMapping.mmap(fresh);
        if (error != 0) {
            return error;
        }
        VmaFile.get(fresh);
        mm.vmas().insert(fresh);
        VmaRelink.link(fresh);
        mm.account(fresh.flags(), fresh.pages());
        settleLock(fresh, fresh.pages());
        return addr;
    }

    @KernelFunction(value = "__mmap_new_vma", file = "mm/vma.c")
    private Vma enter(Vma fresh, MappedFile behind) {
        if (behind != null) {
            fresh.setFile(behind, !behind.mapping().isShmem());
            VmaFile.get(fresh);
            if (behind != file) {
                behind.put(); // the one from its creation: the mapping has its own now
            }
        }
        if (device != null) {
            device.mmap(fresh);
            vmFlags = fresh.flags();
        }
        mm.vmas().insert(fresh);
        VmaRelink.link(fresh);
        return fresh;
    }

    private void settleLock(Vma vma, long pages) {
        if ((vmFlags & VmFlags.LOCKED) == 0) {
            return;
        }
        if (Mlock.isLockable(vma)) {
            mm.addLockedVm(pages);
        } else {
            vma.setFlags(vma.flags() & ~VmFlags.LOCKED_MASK);
        }
    }
}
