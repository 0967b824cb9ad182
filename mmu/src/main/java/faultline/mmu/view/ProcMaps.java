package faultline.mmu.view;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import java.util.LinkedHashMap;
import java.util.Map;

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

    /**
     * Mapped files by address: {@code start-end} in hexadecimal without leading zeros, and the path; takes the lock.
     */
    @KernelFunction(value = "proc_map_files_readdir", file = "fs/proc/base.c")
    public static Map<String, String> files(MmStruct mm) {
        Map<String, String> files = new LinkedHashMap<>();
        mm.mmapLock().readLock();
        try {
            for (Vma v = mm.vmas().first(); v != null; v = v.next()) {
                if (v.file() != null) {
                    files.put(
                            Long.toHexString(v.start()) + "-" + Long.toHexString(v.end()),
                            v.file().path());
                }
            }
        } finally {
            mm.mmapLock().readUnlock();
        }
        return files;
    }
}
