package faultline.mmu.view;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Thp;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.rmap.SwapOps;
import faultline.mmu.table.PageTables;

/** /proc/PID/smaps and /proc/PID/smaps_rollup. */
public final class ProcSmaps {
    private static final int NAME_COLUMN = 73;

    /** Two letters a flag, in the order of the bits. */
    private static final long[] FLAGS = {
        VmFlags.READ,
        VmFlags.WRITE,
        VmFlags.EXEC,
        VmFlags.SHARED,
        VmFlags.MAYREAD,
        VmFlags.MAYWRITE,
        VmFlags.MAYEXEC,
        VmFlags.MAYSHARE,
        VmFlags.GROWSDOWN,
        VmFlags.PFNMAP,
        VmFlags.LOCKED,
        VmFlags.IO,
        VmFlags.SEQ_READ,
        VmFlags.RAND_READ,
        VmFlags.DONTCOPY,
        VmFlags.DONTEXPAND,
        VmFlags.LOCKONFAULT,
        VmFlags.ACCOUNT,
        VmFlags.NORESERVE,
        VmFlags.HUGETLB,
        VmFlags.SYNC,
        VmFlags.ARCH_1,
        VmFlags.WIPEONFORK,
        VmFlags.DONTDUMP,
        VmFlags.MIXEDMAP,
        VmFlags.HUGEPAGE,
        VmFlags.NOHUGEPAGE,
        VmFlags.MERGEABLE,
        VmFlags.UFFD_MISSING,
        VmFlags.UFFD_WP,
        VmFlags.UFFD_MINOR,
        VmFlags.DROPPABLE,
        VmFlags.SEALED,
        VmFlags.NONLINEAR,
    };

    private static final String[] NAMES = {
        "rd", "wr", "ex", "sh", "mr", "mw", "me", "ms", "gd", "pf", "lo", "io", "sr", "rr", "dc", "de", "lf", "ac",
        "nr", "ht", "sf", "ar", "wf", "dd", "mm", "hg", "nh", "mg", "um", "uw", "ui", "dp", "sl", "nl",
    };

    private ProcSmaps() {}

    /** Every mapping with its sums; takes the mmap lock shared. */
    @KernelFunction(value = "show_smap", file = "fs/proc/task_mmu.c")
    public static String text(PageTables tables, SwapOps swap, MmStruct mm) {
        StringBuilder out = new StringBuilder();
        mm.mmapLock().readLock();
        try {
            for (Vma v = mm.vmas().first(); v != null; v = v.next()) {
                MappingUsage usage = new MappingUsage(tables, swap);
                usage.add(v);
                VmaText.append(out, v);
                line(out, "Size:           ", v.length());
                line(out, "KernelPageSize: ", pageSize(v));
                line(out, "MMUPageSize:    ", pageSize(v));
                sums(out, usage, false);
                if (v.isNonlinear()) {
                    line(out, "Nonlinear:      ", usage.nonlinear);
                }
                boolean eligible = Thp.isAllowed(v) && Thp.isSuitable(v, v.end() - MmLayout.PMD_SIZE);
                out.append("THPeligible:           ").append(eligible ? 1 : 0).append("\nVmFlags: ");
                for (int i = 0; i < FLAGS.length; i++) {
                    if (v.has(FLAGS[i])) {
                        out.append(NAMES[i]).append(' ');
                    }
                }
                out.append('\n');
            }
        } finally {
            mm.mmapLock().readUnlock();
        }
        return out.toString();
    }

    @KernelFunction(value = "vma_kernel_pagesize", file = "mm/hugetlb.c")
    static long pageSize(Vma v) {
        return v.ops() == null ? MmLayout.PAGE_SIZE : v.ops().pageSize();
    }

    /** All mappings' sums together. */
    @KernelFunction(value = "show_smaps_rollup", file = "fs/proc/task_mmu.c")
    public static String rollup(PageTables tables, SwapOps swap, MmStruct mm) {
        StringBuilder out = new StringBuilder();
        MappingUsage usage = new MappingUsage(tables, swap);
        mm.mmapLock().readLock();
        try {
            long start = mm.vmas().first() == null ? 0 : mm.vmas().first().start();
            long end = mm.vmas().last() == null ? 0 : mm.vmas().last().end();
            for (Vma v = mm.vmas().first(); v != null; v = v.next()) {
                usage.add(v);
            }
            VmaText.appendPrefix(out, start, end, 0, 0, 0, 0);
        } finally {
            mm.mmapLock().readUnlock();
        }
        while (out.length() < NAME_COLUMN) {
            out.append(' ');
        }
        out.append("[rollup]\n");
        sums(out, usage, true);
        return out.toString();
    }

    @KernelFunction(value = "__show_smap", file = "fs/proc/task_mmu.c")
    private static void sums(StringBuilder out, MappingUsage u, boolean rollup) {
        line(out, "Rss:            ", u.resident);
        line(out, "Pss:            ", MappingUsage.bytes(u.share));
        line(out, "Pss_Dirty:      ", MappingUsage.bytes(u.shareDirty));
        if (rollup) {
            line(out, "Pss_Anon:       ", MappingUsage.bytes(u.shareAnon));
            line(out, "Pss_File:       ", MappingUsage.bytes(u.shareFile));
            line(out, "Pss_Shmem:      ", MappingUsage.bytes(u.shareShmem));
        }
        line(out, "Shared_Clean:   ", u.sharedClean);
        line(out, "Shared_Dirty:   ", u.sharedDirty);
        line(out, "Private_Clean:  ", u.privateClean);
        line(out, "Private_Dirty:  ", u.privateDirty);
        line(out, "Referenced:     ", u.referenced);
        line(out, "Anonymous:      ", u.anonymous);
        line(out, "KSM:            ", u.ksm);
        line(out, "LazyFree:       ", u.lazyFree);
        line(out, "AnonHugePages:  ", u.anonHuge);
        line(out, "ShmemPmdMapped: ", 0);
        line(out, "FilePmdMapped:  ", 0);
        line(out, "Shared_Hugetlb: ", u.sharedHugetlb);
        line(out, "Private_Hugetlb:", u.privateHugetlb);
        line(out, "Swap:           ", u.swap);
        line(out, "SwapPss:        ", MappingUsage.bytes(u.shareSwap));
        line(out, "Locked:         ", MappingUsage.bytes(u.shareLocked));
    }

    static void line(StringBuilder out, String label, long bytes) {
        String number = Long.toString(bytes >>> 10);
        out.append(label);
        out.repeat(' ', Math.max(0, 8 - number.length()));
        out.append(number).append(" kB\n");
    }
}
