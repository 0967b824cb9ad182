package faultline.mmu.hugetlb;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.PageCache;
import faultline.mmu.phys.FrameRelease;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import java.util.List;

/** The machine's pools of huge pages: of 2 MiB, which is what is meant where no size is named, and of 1 GiB. */
@KernelFunction(value = "hstates", file = "mm/hugetlb.c")
public final class HugetlbPools implements FrameRelease {
    private final FrameTable frames;
    private final HugetlbPool huge;
    private final HugetlbPool gigantic;

    /** Empty pools in the memory of {@code cache}; they become what takes back pages of their kind there. */
    public HugetlbPools(PageCache cache) {
        frames = cache.frames();
        huge = new HugetlbPool(cache, Page.PMD_SHIFT - Page.SHIFT);
        gigantic = new HugetlbPool(cache, Page.PUD_SHIFT - Page.SHIFT);
        cache.allocator().setHugetlbRelease(this);
    }

    /** The pool of 2 MiB, whose sizes and counts those without a name are. */
    @KernelFunction(value = "default_hstate", file = "mm/hugetlb.c")
    public HugetlbPool huge() {
        return huge;
    }

    /** The pool of 1 GiB. */
    public HugetlbPool gigantic() {
        return gigantic;
    }

    /** Both, the smaller pages first. */
    public List<HugetlbPool> all() {
        return List.of(huge, gigantic);
    }

    /** The pool of pages of 2^{@code log2} bytes, as flags name it; 0 is the usual one. Null when there is none. */
    @KernelFunction(value = "hstate_sizelog", file = "include/linux/hugetlb.h")
    public HugetlbPool ofLog2(int log2) {
        return log2 == 0 || log2 == Page.PMD_SHIFT ? huge : log2 == Page.PUD_SHIFT ? gigantic : null;
    }

    /** Memory that is in the pools, in small pages. */
    @KernelFunction(value = "hugetlb_total_pages", file = "mm/hugetlb.c")
    public long totalFrames() {
        return huge.total() * huge.frames() + gigantic.total() * gigantic.frames();
    }

    @Override
    public void release(long head) {
        (frames.order(head) == gigantic.order() ? gigantic : huge).release(head);
    }
}
