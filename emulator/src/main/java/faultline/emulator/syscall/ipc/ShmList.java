package faultline.emulator.syscall.ipc;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmLayout;

/** /proc/sysvipc/shm. */
@KernelFunction(value = "sysvipc_shm_proc_show", file = "ipc/shm.c")
final class ShmList {
    private static final String HEADER =
            "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
                    + "      atime      dtime      ctime                   rss                  swap\n";
    private static final String LINE = "%10d %10d  %4o %21s %5d %5d  %5d %5d %5d %5d %5d %10d %10d %10d %21d %21d\n";

    private ShmList() {}

    /** One line a segment; the table's monitor is held. */
    static String text(Iterable<ShmSegment> segments) {
        StringBuilder out = new StringBuilder(HEADER);
        for (ShmSegment s : segments) {
            out.append(LINE.formatted(
                    s.key,
                    s.id,
                    s.mode,
                    Long.toUnsignedString(s.size),
                    s.creatorPid,
                    s.lastPid,
                    s.attached,
                    s.uid,
                    s.gid,
                    s.creatorUid,
                    s.creatorGid,
                    s.attachTime,
                    s.detachTime,
                    s.changeTime,
                    s.memory.cachedPages() << MmLayout.PAGE_SHIFT,
                    s.memory.swappedPages(0, s.memory.sizePages()) << MmLayout.PAGE_SHIFT));
        }
        return out.toString();
    }
}
