package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;

/** mincore(2): which pages are in memory. Looking changes nothing, accessed bits included. */
public final class Mincore {
    private final OpEnv env;

    /** The operation, on the address spaces of one machine. */
    public Mincore(OpEnv env) {
        this.env = env;
    }

    /**
     * Checks the arguments of the call, in Linux's order up to the vector's address.
     *
     * @return pages to be reported, or -EINVAL (start not on a page), -ENOMEM (beyond the address space)
     */
    @KernelFunction(value = "mincore", file = "mm/mincore.c")
    public static long pages(long start, long len) {
        if (MmLayout.offsetInPage(start)) {
            return -Errno.EINVAL;
        }
        if (start < 0 || len < 0 || len > MmLayout.TASK_SIZE || start > MmLayout.TASK_SIZE - len) {
            return -Errno.ENOMEM;
        }
        return MmLayout.pageAlign(len) >>> MmLayout.PAGE_SHIFT;
    }

    /**
     * Reports some pages: bit 0 of a byte says that the page is in memory.
     *
     * @param start first address, page-aligned
     * @param pages at most {@code vec.length}
     * @param vec receives one byte a page
     * @return pages reported: up to the end of a mapping; or -ENOMEM when nothing is mapped at {@code start}
     */
    @KernelFunction(value = "do_mincore", file = "mm/mincore.c")
    public long run(MmStruct mm, long start, int pages, byte[] vec) {
        mm.mmapLock().readLock();
        try {
            Vma vma = mm.vmas().lookup(start);
            if (vma == null) {
                return -Errno.ENOMEM;
            }
            long end = Math.min(vma.end(), start + ((long) pages << MmLayout.PAGE_SHIFT));
            new Walk(env.tables, vma, start, vec).walk(mm, start, end);
            return end - start >>> MmLayout.PAGE_SHIFT;
        } finally {
            mm.mmapLock().readUnlock();
        }
    }

    private static final class Walk extends PageTableWalk {
        private final Vma vma;
        private final long base;
        private final byte[] vec;

        Walk(PageTables tables, Vma vma, long base, byte[] vec) {
            super(tables);
            this.vma = vma;
            this.base = base;
            this.vec = vec;
        }

        @Override
        @KernelFunction("mincore_pte_range")
        protected void table(long pte, long addr, long end) {
            long at = pte;
            for (long a = addr; a < end; a += MmLayout.PAGE_SIZE, at += 8) {
                long entry = phys.getLong(at);
                set(
                        a,
                        Pte.isPresent(entry)
                                || (Pte.isNone(entry) || Pte.isFile(entry) || Pte.isMarker(entry))
                                        && isCached(a, entry));
            }
        }

        @Override
        protected void huge(long pmdEntry, long addr, long end) {
            for (long a = addr; a < end; a += MmLayout.PAGE_SIZE) {
                set(a, true);
            }
        }

        @Override
        @KernelFunction("mincore_unmapped_range")
        protected void hole(long addr, long end) {
            for (long a = addr; a < end; a += MmLayout.PAGE_SIZE) {
                set(a, isCached(a, 0));
            }
        }

        private boolean isCached(long address, long entry) {
            if (vma.file() == null || vma.file().mapping() == null) {
                return false;
            }
            long index = Pte.isFile(entry) ? Pte.fileOffset(entry) : vma.pageIndex(address);
            AddressSpace object = vma.file().mapping();
            // what a memory file has been given by write(2) may lie in its store only, which is memory, too
            return object.isCached(index) || object.isTmpfs() && index < object.sizePages() && object.holdsPage(index);
        }

        private void set(long address, boolean present) {
            vec[(int) (address - base >>> MmLayout.PAGE_SHIFT)] = (byte) (present ? 1 : 0);
        }
    }
}
