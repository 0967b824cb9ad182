package faultline.mmu.kernel;

import faultline.mmu.Errno;
import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.PageWalker;
import faultline.mmu.table.Pte;
import java.util.List;

/**
 * Kernel memory that is contiguous in addresses only, and device memory: vmalloc, vmap, ioremap.
 *
 * <p>Thread-safe, and no lock is held while tables are filled: the range belongs to the caller alone. Kernel addresses
 * are negative numbers; 0 says that there is no memory.
 */
public final class Vmalloc {
    private final InitMm initMm;
    private final PageTables tables;
    private final PhysicalMemory memory;
    private final FrameTable frames;
    private final FrameAllocator allocator;
    private final PageWalker walker;
    private final VmapAreas areas = new VmapAreas(InitMm.VMALLOC_START, InitMm.VMALLOC_END);

    /** An allocator of addresses in the upper half, with nothing allocated. */
    public Vmalloc(InitMm initMm) {
        this.initMm = initMm;
        this.tables = initMm.tables();
        this.memory = tables.memory();
        this.frames = memory.frames();
        this.allocator = memory.allocator();
        this.walker = new PageWalker(memory);
    }

    // ---- own memory

    /**
     * Allocates zeroed memory.
     *
     * @param size bytes, above 0; rounded up to pages
     * @return its address, or 0
     */
    @KernelFunction("vzalloc")
    @Injectable(value = "mm/vmalloc", error = 0, mayWait = true)
    public long vmalloc(long size) {
        long pages = size + Page.SIZE - 1 >>> Page.SHIFT;
        if (size <= 0 || pages > memory.frameCount()) {
            return 0;
        }
        VmArea area = areas.take(pages << Page.SHIFT, Page.SIZE, VmArea.Kind.ALLOC, initMm.tlb());
        if (area == null) {
            return 0;
        }
        area.pages = new long[(int) pages];
        if (!populate(area.pages) || vmapPagesRange(area, Pte.KERNEL) != 0) {
            vfree(area.start());
            return 0;
        }
        return area.start();
    }

    /** Fills with new frames; where they run out the rest is -1. */
    @KernelFunction("vm_area_alloc_pages")
    private boolean populate(long[] pages) {
        boolean all = true;
        for (int i = 0; i < pages.length; i++) {
            pages[i] = all ? allocator.allocZeroedPage() : -1;
            all = pages[i] >= 0;
            if (all) {
                frames.set(pages[i], PageFlags.KERNEL);
            }
        }
        return all;
    }

    /**
     * Frees what {@link #vmalloc} gave. The frames go at once, as Linux's do: whoever still uses the address is wrong
     * already.
     *
     * @throws IllegalArgumentException when nothing of that kind starts there
     */
    @KernelFunction("vfree")
    public void vfree(long address) {
        VmArea area = remove(address, VmArea.Kind.ALLOC);
        for (long pfn : area.pages) {
            if (pfn >= 0) {
                allocator.putPage(pfn);
            }
        }
    }

    // ---- other frames

    /**
     * Maps frames that the caller has references to, and keeps until {@link #vunmap}.
     *
     * @param prot bits of the entries, {@link Pte#KERNEL} for instance
     * @return the address, or 0
     */
    @KernelFunction("vmap")
    @Injectable(value = "mm/vmap", error = 0, mayWait = true)
    public long vmap(long[] pages, long prot) {
        if (pages.length == 0 || pages.length > memory.frameCount()) {
            return 0;
        }
        VmArea area = areas.take((long) pages.length << Page.SHIFT, Page.SIZE, VmArea.Kind.MAP, initMm.tlb());
        if (area == null) {
            return 0;
        }
        area.pages = pages.clone();
        if (vmapPagesRange(area, prot) != 0) {
            vunmap(area.start());
            return 0;
        }
        return area.start();
    }

    /** Ends a {@link #vmap}; the frames stay the caller's. */
    @KernelFunction("vunmap")
    public void vunmap(long address) {
        remove(address, VmArea.Kind.MAP);
    }

    /**
     * Maps device memory, uncached.
     *
     * @param physical any byte of it; must not be guest memory, of which frames are handed out
     * @param size bytes
     * @return the address of that byte, or 0
     */
    @KernelFunction("ioremap")
    @Injectable(value = "mm/ioremap", error = 0, mayWait = true)
    public long ioremap(long physical, long size) {
        long first = physical & Page.MASK;
        long length = Page.alignUp(physical + size) - first;
        if (size <= 0 || physical < 0 || length <= 0 || first + length > 1L << 46 || first < memory.size()) {
            return 0;
        }
        VmArea area = areas.take(length, Page.SIZE, VmArea.Kind.IOREMAP, initMm.tlb());
        if (area == null) {
            return 0;
        }
        for (long offset = 0; offset < length; offset += Page.SIZE) {
            if (map(area.start() + offset, Page.pfn(first + offset), Pte.KERNEL_NOCACHE) != 0) {
                iounmap(area.start());
                return 0;
            }
        }
        return area.start() + Page.offset(physical);
    }

    /** Ends an {@link #ioremap}. */
    @KernelFunction("iounmap")
    public void iounmap(long address) {
        remove(address & Page.MASK, VmArea.Kind.IOREMAP);
    }

    // ---- tables

    @KernelFunction("vmap_pages_range")
    private int vmapPagesRange(VmArea area, long prot) {
        for (int i = 0; i < area.pages.length; i++) {
            int error = map(area.start() + ((long) i << Page.SHIFT), area.pages[i], prot);
            if (error != 0) {
                return error;
            }
        }
        return 0;
    }

    @KernelFunction("vmap_pages_pte_range")
    private int map(long address, long pfn, long prot) {
        long pmdEntry = tables.allocToPmd(initMm, address);
        long pte = pmdEntry < 0 ? -1 : initMm.pteAllocKernel(pmdEntry, address);
        if (pte < 0) {
            return -Errno.ENOMEM;
        }
        if (!Pte.isNone(memory.getLong(pte))) {
            throw new IllegalStateException("kernel address 0x" + Long.toHexString(address) + " is mapped already");
        }
        memory.putLongRelease(pte, Pte.of(pfn, prot));
        return 0;
    }

    private VmArea remove(long address, VmArea.Kind kind) {
        VmArea found = areas.find(address);
        if (found == null || found.kind() != kind || areas.remove(address) != found) {
            throw new IllegalArgumentException("no area of kind " + kind + " starts at 0x" + Long.toHexString(address));
        }
        vunmapRange(found);
        if (areas.putBy(found)) {
            areas.purge(initMm.tlb());
        }
        return found;
    }

    @KernelFunction("vunmap_range_noflush")
    private void vunmapRange(VmArea area) {
        for (long address = area.start(); address < area.end(); address += Page.SIZE) {
            long pte = initMm.pteOffsetKernel(address);
            if (pte >= 0) {
                tables.ptepGetAndClear(pte);
            }
        }
    }

    /** Flushes and frees all addresses that were given back. */
    @KernelFunction("vm_unmap_aliases")
    public void purge() {
        areas.purge(initMm.tlb());
    }

    // ---- looking

    /**
     * The physical address behind a kernel address, as the processor would find it.
     *
     * @return -1 when nothing is mapped there
     */
    @KernelFunction("vmalloc_to_pfn")
    public long physical(long address) {
        long result = walker.walk(initMm.pgd(), address, PageWalker.READ, false);
        return result < 0 ? -1 : Pte.address(result) | Page.offset(address);
    }

    /** The area that starts at an address, null for none. */
    public VmArea find(long address) {
        return areas.find(address);
    }

    /** The areas in use, by address (/proc/vmallocinfo). */
    public List<VmArea> areas() {
        return areas.areas();
    }

    /** How many separate ranges of addresses are free. */
    int freeRanges() {
        return areas.freeRanges();
    }
}
