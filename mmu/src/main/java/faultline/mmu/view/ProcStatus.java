package faultline.mmu.view;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;

/** What /proc/PID/status and statm say of memory. Numbers are of the moment; no lock is taken. */
public final class ProcStatus {
    private ProcStatus() {}

    /** The lines from VmPeak to VmSwap. */
    @KernelFunction(value = "task_mem", file = "fs/proc/task_mmu.c")
    public static String vmLines(MmStruct mm) {
        long text = textBytes(mm);
        StringBuilder out = new StringBuilder();
        pages(out, "VmPeak:\t", mm.hiwaterVm());
        pages(out, "VmSize:\t", mm.totalVm());
        pages(out, "VmLck:\t", mm.lockedVm());
        pages(out, "VmPin:\t", 0);
        pages(out, "VmHWM:\t", mm.hiwaterRss());
        pages(out, "VmRSS:\t", mm.rssPages());
        pages(out, "RssAnon:\t", mm.rss(MmStruct.ANONPAGES));
        pages(out, "RssFile:\t", mm.rss(MmStruct.FILEPAGES));
        pages(out, "RssShmem:\t", mm.rss(MmStruct.SHMEMPAGES));
        pages(out, "VmData:\t", mm.dataVm());
        pages(out, "VmStk:\t", mm.stackVm());
        ProcSmaps.line(out, "VmExe:\t", text);
        ProcSmaps.line(out, "VmLib:\t", (mm.execVm() << MmLayout.PAGE_SHIFT) - text);
        ProcSmaps.line(out, "VmPTE:\t", mm.pageTableBytes());
        pages(out, "VmSwap:\t", mm.rss(MmStruct.SWAPENTS));
        return out.toString();
    }

    private static void pages(StringBuilder out, String label, long pages) {
        ProcSmaps.line(out, label, pages << MmLayout.PAGE_SHIFT);
    }

    /** Size of the program's text, at most what is mapped executable. */
    private static long textBytes(MmStruct mm) {
        long text = MmLayout.pageAlign(mm.endCode()) - (mm.startCode() & MmLayout.PAGE_MASK);
        return Math.min(text, mm.execVm() << MmLayout.PAGE_SHIFT);
    }

    /** The line of /proc/PID/statm. */
    @KernelFunction(value = "task_statm", file = "fs/proc/task_mmu.c")
    public static String statm(MmStruct mm) {
        long shared = mm.rss(MmStruct.FILEPAGES) + mm.rss(MmStruct.SHMEMPAGES);
        long text = MmLayout.pageAlign(mm.endCode()) - (mm.startCode() & MmLayout.PAGE_MASK) >>> MmLayout.PAGE_SHIFT;
        return mm.totalVm() + " " + (shared + mm.rss(MmStruct.ANONPAGES)) + " " + shared + " " + text + " 0 "
                + (mm.dataVm() + mm.stackVm()) + " 0\n";
    }
}
