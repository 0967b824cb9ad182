package faultline.mmu.swap;

import faultline.mmu.Errno;
import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.FileSwap;
import faultline.mmu.file.PageCache;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;

/**
 * Pages of memory files in swap: shared anonymous memory and SysV segments.
 *
 * <p>Each has a slot whose one user is the file, in whose page tree the slot stands instead of a frame. The content is
 * not cached beside it.
 */
public final class ShmemSwap implements FileSwap {
    private final SwapSpace space;
    private final PageCache cache;
    /** The files that have pages in swap (shmem_swaplist). */
    private final Set<AddressSpace> files = ConcurrentHashMap.newKeySet();

    ShmemSwap(SwapSpace space, PageCache cache) {
        this.space = space;
        this.cache = cache;
    }

    /**
     * Takes a slot for a page of a memory file and writes the locked page there.
     *
     * @return the slot; -ENOSPC when the areas are full; -EIO
     */
    @KernelFunction("shmem_writeout")
    @Injectable(value = "mm/swap/out/shmem", error = -Errno.EIO)
    @RequiresLock("PAGE_LOCK")
    long write(long pfn) {
        long slot = space.areas().takeForFile(cache.memCgroups().owner(pfn));
        if (slot < 0) {
            return -Errno.ENOSPC;
        }
        int error = store(slot).write(SwapSlot.offset(slot), space.page(pfn));
        if (error != 0) {
            freeSlot(slot);
            return error;
        }
        space.countOut();
        return slot;
    }

    @Override
    @KernelFunction("shmem_swapin_folio")
    @Injectable(value = "mm/swap/in/shmem", error = -Errno.EIO)
    public int readPage(long slot, long pfn) {
        int error = store(slot).read(SwapSlot.offset(slot), space.page(pfn));
        if (error == 0) {
            space.countIn();
        }
        return error;
    }

    private SwapStore store(long slot) {
        return space.areas().get(SwapSlot.type(slot)).store();
    }

    @Override
    @KernelFunction("shmem_free_swap")
    public void freeSlot(long slot) {
        space.areas().freeForFile(slot);
    }

    @Override
    public void noteSwapped(AddressSpace file, boolean any) {
        if (any) {
            files.add(file);
        } else {
            files.remove(file);
        }
    }

    /**
     * Reads all pages back that are in an area.
     *
     * @param area withdrawn: no page goes there any more, but such as are on their way
     * @param interrupted asked between files
     * @return 0; -ENOMEM; -EIO when a page cannot be read
     */
    @KernelFunction("shmem_unuse")
    public int unuse(SwapArea area, BooleanSupplier interrupted) {
        for (AddressSpace file : files) {
            if (interrupted.getAsBoolean()) {
                return 0;
            }
            int error = unuse(file, area.type());
            if (error != 0) {
                return error;
            }
        }
        return 0;
    }

    @KernelFunction("shmem_unuse_inode")
    private int unuse(AddressSpace file, int type) {
        long index = file.nextSwapped(0, slot -> SwapSlot.type(slot) == type);
        while (index >= 0) {
            long pfn = file.readPage(index, true, false);
            if (pfn == -Errno.ENOMEM || pfn == -Errno.EIO) {
                return (int) pfn;
            }
            if (pfn >= 0) {
                cache.allocator().putPage(pfn & ~AddressSpace.WAS_READ);
            }
            // Else the file has become shorter than that.
            index = file.nextSwapped(index + 1, slot -> SwapSlot.type(slot) == type);
        }
        return 0;
    }
}
