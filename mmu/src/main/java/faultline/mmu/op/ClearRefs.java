package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;

/**
 * One write to /proc/PID/clear_refs: forgets what was noted of an address space's use, so that from now on its use can
 * be measured.
 *
 * <table>
 * <caption>What the number that is written means</caption>
 * <tr><td>1</td><td>no page was accessed</td></tr>
 * <tr><td>2</td><td>the same, of anonymous mappings</td></tr>
 * <tr><td>3</td><td>the same, of mappings of files</td></tr>
 * <tr><td>4</td><td>no page was written (soft-dirty): the first write to each faults again</td></tr>
 * <tr><td>5</td><td>the peak of resident memory is what is resident now</td></tr>
 * </table>
 */
@KernelFunction(value = "clear_refs_write", file = "fs/proc/task_mmu.c")
public final class ClearRefs extends PageTableWalk {
    public static final int ALL = 1;
    public static final int ANON = 2;
    public static final int MAPPED = 3;
    public static final int SOFT_DIRTY = 4;
    public static final int HIWATER_RSS = 5;

    private final FrameTable frames;
    private final MmStruct mm;
    private final int type;

    private ClearRefs(PageTables tables, MmStruct mm, int type) {
        super(tables);
        this.frames = tables.memory().frames();
        this.mm = mm;
        this.type = type;
    }

    /**
     * Does what {@code type} asks for; takes the mmap lock.
     *
     * @param type 1 to 5
     * @return 0 or -EINVAL
     */
    public static int run(PageTables tables, MmStruct mm, int type) {
        if (type < ALL || type > HIWATER_RSS) {
            return -Errno.EINVAL;
        }
        mm.mmapLock().writeLock();
        try {
            if (type == HIWATER_RSS) {
                mm.resetHiwaterRss();
            } else {
                new ClearRefs(tables, mm, type).clear();
            }
        } finally {
            mm.mmapLock().writeUnlock();
        }
        return 0;
    }

    private void clear() {
        for (Vma vma = mm.vmas().first(); vma != null; vma = vma.next()) {
            if (type == SOFT_DIRTY && vma.has(VmFlags.SOFTDIRTY)) {
                vma.setFlags(vma.flags() & ~VmFlags.SOFTDIRTY);
            }
            if (isConcerned(vma)) {
                walk(mm, vma.start(), vma.end());
            }
        }
        // Translations that are kept would let the processor go on without marking entries.
        mm.tlb().flushAll();
    }

    @KernelFunction(value = "clear_refs_test_walk", file = "fs/proc/task_mmu.c")
    private boolean isConcerned(Vma vma) {
        return !vma.has(VmFlags.PFNMAP)
                && !(type == ANON && vma.file() != null)
                && !(type == MAPPED && vma.file() == null);
    }

    @Override
    @KernelFunction(value = "clear_refs_pte_range", file = "fs/proc/task_mmu.c")
    protected void table(long pte, long addr, long end) {
        long at = pte;
        for (long a = addr; a < end; a += MmLayout.PAGE_SIZE, at += 8) {
            clearEntry(at);
        }
    }

    @Override
    protected void huge(long pmdEntry, long addr, long end) {
        var lock = tables.pmdLockptr(mm, pmdEntry);
        lock.lock();
        if (Pte.isHuge(phys.getLong(pmdEntry))) {
            clearEntry(pmdEntry);
        }
        lock.unlock();
    }

    private void clearEntry(long at) {
        long old = phys.getLong(at);
        long changed = cleared(old);
        // The processor may set accessed and dirty meanwhile: such a change is taken along, not lost.
        while (changed != old && !phys.casLong(at, old, changed)) {
            old = phys.getLong(at);
            changed = cleared(old);
        }
        if (type != SOFT_DIRTY && Pte.isPresent(old) && !Pte.isSpecial(old) && frames.isValid(Pte.pfn(old))) {
            frames.clear(Pte.pfn(old), PageFlags.REFERENCED);
        }
    }

    @KernelFunction(value = "clear_soft_dirty", file = "fs/proc/task_mmu.c")
    private long cleared(long entry) {
        if (type != SOFT_DIRTY) {
            return Pte.isPresent(entry) && !Pte.isSpecial(entry) ? Pte.mkOld(entry) : entry;
        }
        return Pte.isPresent(entry) ? Pte.clearSoftDirty(Pte.wrprotect(entry)) : Pte.clearSoftDirty(entry);
    }
}
