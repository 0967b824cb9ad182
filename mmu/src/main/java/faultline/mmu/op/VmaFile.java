package faultline.mmu.op;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;

/**
 * The references a mapping has on what is behind it: one on the open file, one as a shared writable mapping of its
 * inode.
 */
final class VmaFile {
    private VmaFile() {}

    /** A mapping came to be, with its file already set. */
    @KernelFunction(value = "get_file", file = "include/linux/fs.h")
    static void get(Vma v) {
        if (v.file() != null) {
            v.file().get();
            // Another mapping of the same file has been allowed already, so this one cannot be refused.
            if (VmFlags.isSharedMayWrite(v.flags()) && v.file().mapping() != null) {
                v.file().mapping().areas().mapWritable();
            }
        }
        if (v.ops() != null) {
            v.ops().open(v);
        }
    }

    /** A mapping went. */
    @KernelFunction(value = "remove_vma", file = "mm/vma.c")
    static void put(Vma v) {
        if (v.ops() != null) {
            v.ops().close(v);
        }
        if (v.file() != null) {
            if (VmFlags.isSharedMayWrite(v.flags()) && v.file().mapping() != null) {
                v.file().mapping().areas().unmapWritable();
            }
            v.file().put();
        }
    }
}
