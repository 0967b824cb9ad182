package faultline.mmu.rmap;

import faultline.mmu.Errno;
import faultline.mmu.fault.FaultFixture;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.Pte;
import java.util.HashMap;
import java.util.Map;

/** A swap area in arrays, with a swap cache, and the swapping out of single pages. */
public final class MemorySwap implements SwapOps {
    private static final class Slot {
        final byte[] content = new byte[(int) Page.SIZE];
        int users;
        long cached = -1;
    }

    private final FaultFixture f;
    private final Map<Long, Slot> slots = new HashMap<>();
    private long next = 1;

    public MemorySwap(FaultFixture f) {
        this.f = f;
        f.env.setSwap(this);
    }

    /** Swaps one page out and drops it; false if it could not be unmapped everywhere, upon which it stays. */
    public boolean swapOut(long pfn) {
        f.phys.frames().get(pfn);
        f.cache.lockPage(pfn);
        long entry = addToCache(pfn);
        boolean unmapped = new TryToUnmap(f.tables, f.rmap, this).tryToUnmap(pfn);
        if (unmapped) {
            synchronized (this) {
                f.phys.read(Page.address(pfn), slots.get(entry).content, 0, (int) Page.SIZE);
                f.phys.frames().clear(pfn, PageFlags.DIRTY);
            }
        }
        boolean free = unmapped && f.phys.frames().refcount(pfn) == 2;
        if (free || !unmapped) {
            dropFromCache(pfn);
        }
        f.cache.unlockPage(pfn);
        f.phys.allocator().putPage(pfn);
        return unmapped;
    }

    private synchronized long addToCache(long pfn) {
        if (f.phys.frames().test(pfn, PageFlags.SWAPCACHE)) {
            return f.phys.frames().privateData(pfn);
        }
        long entry = Pte.swap(0, next++);
        Slot slot = new Slot();
        slot.cached = pfn;
        slots.put(entry, slot);
        f.phys.frames().get(pfn);
        f.phys.frames().setPrivateData(pfn, entry);
        f.phys.frames().set(pfn, PageFlags.SWAPCACHE);
        return entry;
    }

    private synchronized void dropFromCache(long pfn) {
        long entry = f.phys.frames().privateData(pfn);
        Slot slot = slots.get(entry);
        slot.cached = -1;
        if (slot.users == 0) {
            slots.remove(entry);
        }
        f.phys.frames().clear(pfn, PageFlags.SWAPCACHE);
        f.phys.frames().setPrivateData(pfn, 0);
        f.phys.allocator().putPage(pfn);
    }

    @Override
    public synchronized long swapIn(long pte, boolean mayWait) {
        Slot slot = slots.get(Pte.swapKey(pte));
        if (slot == null) {
            return -Errno.EAGAIN;
        }
        if (slot.cached >= 0) {
            f.phys.frames().get(slot.cached);
            return slot.cached;
        }
        long pfn = f.phys.allocator().allocPage();
        f.phys.write(Page.address(pfn), slot.content, 0, (int) Page.SIZE);
        f.phys.frames().set(pfn, PageFlags.SWAPCACHE | PageFlags.SWAPBACKED | PageFlags.UPTODATE);
        f.phys.frames().setPrivateData(pfn, Pte.swapKey(pte));
        f.phys.frames().get(pfn);
        slot.cached = pfn;
        return pfn | AddressSpace.WAS_READ;
    }

    @Override
    public synchronized void free(long pte) {
        Slot slot = slots.get(Pte.swapKey(pte));
        if (--slot.users == 0 && slot.cached < 0) {
            slots.remove(Pte.swapKey(pte));
        }
    }

    @Override
    public synchronized int users(long pte) {
        return slots.get(Pte.swapKey(pte)).users;
    }

    @Override
    public synchronized void duplicate(long pte) {
        slots.get(Pte.swapKey(pte)).users++;
    }

    @Override
    public synchronized boolean tryToFree(long pfn) {
        if (!f.phys.frames().test(pfn, PageFlags.SWAPCACHE)) {
            return true;
        }
        if (slots.get(f.phys.frames().privateData(pfn)).users != 0) {
            return false;
        }
        f.phys.frames().set(pfn, PageFlags.DIRTY);
        dropFromCache(pfn);
        return true;
    }

    /** Drops every page that only the swap cache holds, and looks that no slot has users left. */
    public synchronized int slotsInUse() {
        for (Slot slot : Map.copyOf(slots).values()) {
            if (slot.cached >= 0 && f.phys.frames().refcount(slot.cached) == 1) {
                dropFromCache(slot.cached);
            }
        }
        return slots.size();
    }
}
