package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.MappedFile;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import java.util.function.Predicate;

/**
 * The unmapping half of shmdt(2): all that is left of one attached object, in as many pieces as the program has made of
 * it.
 *
 * <pre>
 *   attached at addr:   |----------object----------|
 *   found later:        |-a-|  |-b-|other|---c-----|      a, b and c go: same file, at the place their offset says
 * </pre>
 */
public final class DetachFile {
    private final OpEnv env;

    /** The operation, on the address spaces of one machine. */
    public DetachFile(OpEnv env) {
        this.env = env;
    }

    /**
     * Unmaps the object attached at {@code addr}.
     *
     * @param attached whether a file is one of the objects meant
     * @return 0, or -EINVAL when nothing of such an object is where it was attached
     */
    @KernelFunction(value = "ksys_shmdt", file = "ipc/shm.c")
    public long run(MmStruct mm, long addr, Predicate<MappedFile> attached) {
        if (MmLayout.offsetInPage(addr)) {
            return -Errno.EINVAL;
        }
        mm.mmapLock().writeLock();
        try {
            return unmap(mm, addr, attached);
        } finally {
            mm.mmapLock().writeUnlock();
        }
    }

    @RequiresLock("MMAP_LOCK")
    private long unmap(MmStruct mm, long addr, Predicate<MappedFile> attached) {
        Vma vma = mm.vmas().find(addr);
        while (vma != null && !(isInPlace(vma, addr) && vma.file() != null && attached.test(vma.file()))) {
            vma = vma.next();
        }
        if (vma == null) {
            return -Errno.EINVAL;
        }
        MappedFile file = vma.file();
        long end = addr + MmLayout.pageAlign(file.mapping().size());
        long result = 0;
        do { // the first one goes whatever its end: mremap may have made it longer than the object
            long next = vma.end();
            if (vma.file() == file && isInPlace(vma, addr)) {
                int error = Munmap.unmap(env, mm, vma.start(), vma.end() - vma.start());
                result = error != 0 ? error : result;
            }
            vma = mm.vmas().find(next);
        } while (vma != null && vma.end() <= end);
        return result;
    }

    private static boolean isInPlace(Vma vma, long addr) {
        return vma.start() - addr >>> MmLayout.PAGE_SHIFT == vma.pgoff();
    }
}
