package faultline.mmu.kernel;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.DeviceMapping;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.VmOperations;
import faultline.mmu.mm.Vma;

/**
 * Shows a program memory that vmalloc gave, page by page as it touches it: a ring that kernel and program share.
 *
 * <p>The memory must not be freed while an area shows it: its owner, a device, lives as long as the machine, or counts
 * its areas.
 */
public final class VmallocMapping implements VmOperations {
    private final String name;
    private final long[] pages;
    private final long basePgoff;
    private final long firstPage;

    private VmallocMapping(String name, long[] pages, long basePgoff, long firstPage) {
        this.name = name;
        this.pages = pages;
        this.basePgoff = basePgoff;
        this.firstPage = firstPage;
    }

    /**
     * Makes an area that has neither pages nor a file yet show kernel memory.
     *
     * @param vma the whole area is filled
     * @param address what {@link Vmalloc#vmalloc} gave
     * @param firstPage page of that memory that the area begins with
     * @param name in /proc/PID/maps
     * @return 0, or -EINVAL when the memory is smaller than that, or was not made by vmalloc
     */
    @KernelFunction("remap_vmalloc_range")
    @RequiresLock("MMAP_LOCK")
    public static int remap(Vmalloc vmalloc, Vma vma, long address, long firstPage, String name) {
        VmArea area = vmalloc.find(address);
        if (area == null || area.kind() != VmArea.Kind.ALLOC || firstPage < 0) {
            return -Errno.EINVAL;
        }
        if (firstPage > area.pages.length - vma.pages()) {
            return -Errno.EINVAL;
        }
        vma.setFlags(vma.flags() | VmFlags.PFNMAP | VmFlags.DONTEXPAND | VmFlags.DONTDUMP);
        vma.setOps(new VmallocMapping(name, area.pages, vma.pgoff(), firstPage));
        return 0;
    }

    /**
     * The memory as a device that programs map, shared only.
     *
     * @param address what {@link Vmalloc#vmalloc} gave
     * @param name in /proc/PID/maps
     */
    public static DeviceMapping device(Vmalloc vmalloc, long address, String name) {
        return new DeviceMapping() {
            @Override
            public int check(long pages, long pgoff, boolean shared) {
                VmArea area = vmalloc.find(address);
                return shared && area != null && pgoff >= 0 && pgoff <= area.pages.length - pages ? 0 : -Errno.EINVAL;
            }

            @Override
            public void mmap(Vma vma) {
                if (remap(vmalloc, vma, address, vma.pgoff(), name) != 0) {
                    throw new IllegalStateException(name + " was checked, and cannot be mapped");
                }
            }
        };
    }

    @Override
    public String name(Vma vma) {
        return name;
    }

    @Override
    public long faultPfn(Vma vma, long pgoff) {
        long page = pgoff - basePgoff + firstPage;
        return page < 0 || page >= pages.length ? -Errno.EFAULT : pages[(int) page];
    }
}
