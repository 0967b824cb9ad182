package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.MappedFile;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;

/** msync(2). */
public final class Msync {
    public static final int MS_ASYNC = 1;
    public static final int MS_INVALIDATE = 2;
    public static final int MS_SYNC = 4;

    /**
     * Writes back what shared mappings of a range have changed; MS_ASYNC only checks the range, as on Linux since
     * 2.6.19.
     *
     * @return 0; -EINVAL (flags, address not on a page), -ENOMEM (hole, after the rest has been written), -EBUSY
     *     (MS_INVALIDATE of a locked mapping), or the file's -EIO
     */
    @KernelFunction(value = "msync", file = "mm/msync.c")
    public long run(MmStruct mm, long address, long length, int flags) {
        if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0
                || MmLayout.offsetInPage(address)
                || (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC)) {
            return -Errno.EINVAL;
        }
        long end = address + MmLayout.pageAlign(length);
        if (Long.compareUnsigned(end, address) < 0) {
            return -Errno.ENOMEM;
        }
        long start = address;
        long result = 0;
        while (Long.compareUnsigned(start, end) < 0) {
            MappedFile file = null;
            long from = 0;
            long to = 0;
            mm.mmapLock().readLock();
            try {
                Vma vma = mm.vmas().find(start);
                if (vma == null) {
                    return -Errno.ENOMEM;
                }
                if (start < vma.start()) {
                    if (flags == MS_ASYNC) {
                        return -Errno.ENOMEM;
                    }
                    start = vma.start();
                    result = -Errno.ENOMEM;
                    if (start >= end) {
                        return result;
                    }
                }
                if ((flags & MS_INVALIDATE) != 0 && vma.has(VmFlags.LOCKED)) {
                    return -Errno.EBUSY;
                }
                if ((flags & MS_SYNC) != 0 && vma.file() != null && vma.has(VmFlags.SHARED)) {
                    file = vma.file();
                    file.get();
                    // A nonlinear mapping may show any page of the file here.
                    from = vma.isNonlinear() ? 0 : vma.pageIndex(start) << MmLayout.PAGE_SHIFT;
                    to = vma.isNonlinear() ? Long.MAX_VALUE : from + (Math.min(end, vma.end()) - start);
                }
                start = vma.end();
            } finally {
                mm.mmapLock().readUnlock();
            }
            if (file != null) {
                // The mmap lock is not held while the file is written: others may map and fault meanwhile.
                int error = file.mapping().writeback(from, to);
                file.put();
                if (error < 0) {
                    return error;
                }
            }
        }
        return result;
    }
}
