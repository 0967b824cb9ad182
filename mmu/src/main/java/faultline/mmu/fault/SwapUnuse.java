package faultline.mmu.fault;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;

/**
 * Brings single pages back from swap where nobody touches them: swapoff(2).
 *
 * <p>As with a touch, the page comes from the swap cache or is read there, and locked, its entry is looked at again;
 * whoever touched, freed, moved or shared it meanwhile was first, and swapoff meets what has become of it next time.
 * The page is mapped old and not writable: the next write asks whose it is.
 */
public final class SwapUnuse {
    private final FaultEnv env;
    private final PtlGuard guard = new PtlGuard();

    /** Serves one thread. */
    public SwapUnuse(FaultEnv env) {
        this.env = env;
    }

    /**
     * Maps the page of a swap entry in its place. One that cannot be read is poisoned: touching it is SIGBUS.
     *
     * @param vma the mapping of {@code address}
     * @param address page-aligned
     * @param entry what stood there
     * @return 0, also when another was first; -ENOMEM
     */
    @KernelFunction(value = "unuse_pte_range", file = "mm/swapfile.c")
    @RequiresLock("MMAP_LOCK:read")
    public int run(Vma vma, long address, long entry) {
        long found = env.swap.swapIn(entry, true);
        if (found == -Errno.EIO) {
            poison(vma, address, entry);
            return 0;
        }
        if (found < 0) {
            return found == -Errno.ENOMEM ? -Errno.ENOMEM : 0;
        }
        long pfn = found & ~AddressSpace.WAS_READ;
        env.cache.lockPage(pfn);
        if (env.isSwapPage(pfn, entry)) {
            map(vma, address, entry, pfn);
            env.swap.tryToFree(pfn);
        }
        env.cache.unlockPage(pfn);
        env.allocator.putPage(pfn);
        return 0;
    }

    @KernelFunction(value = "unuse_pte", file = "mm/swapfile.c")
    @RequiresLock("PAGE_LOCK")
    private void map(Vma vma, long address, long entry, long pfn) {
        long pte = lock(vma.mm(), address, entry);
        if (pte < 0) {
            return;
        }
        env.swap.free(entry);
        vma.mm().addRss(MmStruct.SWAPENTS, -1);
        vma.mm().addRss(MmStruct.ANONPAGES, 1);
        env.frames.get(pfn);
        env.rmap.addAnon(pfn, vma, vma.pageIndex(address), Pte.isSwapExclusive(entry));
        env.tables.setPte(pte, Pte.withSoftBits(Pte.mkOld(Pte.of(pfn, vma.pageProt())), entry));
        env.tables.pteUnmapUnlock(pte, guard);
    }

    private void poison(Vma vma, long address, long entry) {
        long pte = lock(vma.mm(), address, entry);
        if (pte >= 0) {
            env.swap.free(entry);
            vma.mm().addRss(MmStruct.SWAPENTS, -1);
            env.tables.setPte(pte, Pte.marker(Pte.MARKER_POISONED));
            env.tables.pteUnmapUnlock(pte, guard);
        }
    }

    /** The place of {@code entry} with its lock held; -1 when something else stands there by now. */
    private long lock(MmStruct mm, long address, long entry) {
        long pmd = env.tables.walkToPmd(mm.pgd(), address);
        long pte = pmd < 0 ? -1 : env.tables.pteOffsetMapLock(mm, pmd, address, guard);
        if (pte >= 0 && env.phys.getLong(pte) != entry) {
            env.tables.pteUnmapUnlock(pte, guard);
            return -1;
        }
        return pte < 0 ? -1 : pte;
    }
}
