package faultline.mmu.gup;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultEnv;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;

/**
 * Looks up the page mapped at an address, under the page-table lock that it takes itself (seed 001).
 *
 * <table>
 * <caption>What the flags do to a page that is found</caption>
 * <tr><th>flag</th><th>effect</th></tr>
 * <tr><td>none</td><td>none at all: looking does not mark the page accessed (numa_maps)</td></tr>
 * <tr><td>WRITE</td><td>found only if the entry is writable (or COW: see {@link GupCow})</td></tr>
 * <tr><td>TOUCH</td><td>page marked accessed; with WRITE, and neither entry nor page dirty, page marked dirty</td></tr>
 * <tr><td>GET</td><td>one reference more, taken before the lock is let go</td></tr>
 * <tr><td>ANON</td><td>no table there: the page of zeros instead of nothing. Not with WRITE</td></tr>
 * </table>
 */
public final class FollowPage {
    /** Nothing there that would do. */
    public static final long NONE = -1;

    private final FaultEnv env;
    private final PageTables tables;
    private final PhysicalMemory phys;
    private final FrameTable frames;

    /** Look-ups in the machine of {@code env}. */
    public FollowPage(FaultEnv env) {
        this.env = env;
        this.tables = env.tables();
        this.phys = env.cache().phys();
        this.frames = env.cache().frames();
    }

    /**
     * The frame mapped at {@code address}, or {@link #NONE}.
     *
     * @param flags bits of {@link FollFlags}
     * @param ctx the calling task's cursor, for its lock guard
     */
    @KernelFunction(value = "follow_page", file = "mm/memory.c")
    @RequiresLock("MMAP_LOCK:read")
    public long followPage(MmStruct mm, long address, int flags, FaultContext ctx) {
        long pmdEntry = tables.walkToEntry(mm.pgd(), address);
        if (pmdEntry < 0 || Pte.isNone(phys.getLongAcquire(pmdEntry))) {
            return noPageTable(flags);
        }
        long pte = tables.pteOffsetMapLock(mm, pmdEntry, address, ctx.accessGuard);
        if (pte == PageTables.HUGE) {
            return followHuge(mm, pmdEntry, address, flags, ctx);
        }
        if (pte < 0) {
            return noPageTable(flags);
        }
        long pfn = follow(phys.getLong(pte), 0, flags);
        tables.pteUnmapUnlock(pte, ctx.accessGuard);
        return pfn;
    }

    /** In a huge page: the frame of the address; what is noted of the page is noted of its head. */
    @KernelFunction(value = "follow_huge_pmd", file = "mm/gup.c")
    private long followHuge(MmStruct mm, long pmdEntry, long address, int flags, FaultContext ctx) {
        if (!tables.huge().lock(mm, pmdEntry, ctx.accessGuard)) {
            return followPage(mm, address, flags, ctx); // split meanwhile
        }
        long entry = phys.getLong(pmdEntry);
        long pfn = follow(entry, tables.huge().offsetIn(entry, address) >>> Page.SHIFT, flags);
        ctx.accessGuard.close();
        return pfn;
    }

    /** What the entry says of page {@code number} of those it maps; its lock is held. */
    @RequiresLock("PAGE_TABLE_LOCK")
    private long follow(long entry, long number, int flags) {
        long pfn = usable(entry, flags);
        if (pfn < 0) {
            return pfn;
        }
        if ((flags & FollFlags.GET) != 0) {
            frames.get(pfn);
        }
        if ((flags & FollFlags.TOUCH) != 0) {
            touch(pfn, entry, flags);
        }
        return pfn + number;
    }

    /**
     * When a huge anonymous area that nobody touched is dumped, no page tables are to be made for it.
     */
    private long noPageTable(int flags) {
        if ((flags & FollFlags.ANON) == 0) {
            return NONE;
        }
        if ((flags & FollFlags.WRITE) != 0) {
            throw new IllegalArgumentException("the page of zeros cannot be written");
        }
        if ((flags & FollFlags.GET) != 0) {
            frames.get(env.zeroPfn());
        }
        return env.zeroPfn();
    }

    private long usable(long entry, int flags) {
        if (!Pte.isPresent(entry)) {
            return NONE;
        }
        long pfn = Pte.pfn(entry);
        if (!frames.isValid(pfn)) {
            return NONE;
        }
        boolean write = (flags & FollFlags.WRITE) != 0;
        return write && !Pte.isWrite(entry) && !isOwnCopy(entry, pfn, flags) ? NONE : pfn;
    }

    /** A forced write to a read-only mapping may go to the mapping's own copy, and to nothing else. */
    @KernelFunction(value = "can_follow_write_pte", file = "mm/gup.c")
    private boolean isOwnCopy(long entry, long pfn, int flags) {
        int needed = FollFlags.FORCE | FollFlags.COW;
        int own = PageFlags.ANON | PageFlags.ANON_EXCLUSIVE;
        return (flags & needed) == needed && Pte.isDirty(entry) && (frames.flags(pfn) & own) == own;
    }

    private void touch(long pfn, long entry, int flags) {
        boolean write = (flags & FollFlags.WRITE) != 0;
        if (write && !Pte.isDirty(entry) && !frames.test(pfn, PageFlags.DIRTY)) {
            if (frames.mapping(pfn) instanceof AddressSpace mapping) {
                mapping.setPageDirty(pfn);
            } else {
                frames.set(pfn, PageFlags.DIRTY);
            }
        }
        frames.lru().markAccessed(frames.head(pfn));
    }
}
