package faultline.mmu.view;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;

/** /proc/PID/maps. */
public final class ProcMaps {
    private ProcMaps() {}

    /** All mappings, a line each; takes the mmap lock shared. */
    @KernelFunction(value = "show_map", file = "fs/proc/task_mmu.c")
    public static String text(MmStruct mm) {
        StringBuilder out = new StringBuilder();
        mm.mmapLock().readLock();
        try {
            for (Vma v = mm.vmas().first(); v != null; v = v.next()) {
                VmaText.append(out, v);
            }
        } finally {
            mm.mmapLock().readUnlock();
        }
        return out.toString();
    }
}
