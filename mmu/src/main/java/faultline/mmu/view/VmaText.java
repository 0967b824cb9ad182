package faultline.mmu.view;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;

/** The line that stands for one mapping in maps and smaps. */
final class VmaText {
    /** Names begin in this column. */
    private static final int NAME_COLUMN = 73;

    private static final char[] HEX = "0123456789abcdef".toCharArray();

    private VmaText() {}

    @KernelFunction(value = "show_map_vma", file = "fs/proc/task_mmu.c")
    static void append(StringBuilder out, Vma v) {
        long dev = v.file() == null ? 0 : v.file().dev();
        long ino = v.file() == null ? 0 : v.file().ino();
        long offset = v.file() == null ? 0 : v.pgoff() << MmLayout.PAGE_SHIFT;
        int begin = out.length();
        appendPrefix(out, v.start(), v.end(), v.flags(), offset, dev, ino);
        String name = name(v);
        if (name != null) {
            while (out.length() - begin < NAME_COLUMN) {
                out.append(' ');
            }
            out.append(name.replace("\n", "\\012"));
        }
        out.append('\n');
    }

    @KernelFunction(value = "show_vma_header_prefix", file = "fs/proc/task_mmu.c")
    static void appendPrefix(StringBuilder out, long start, long end, long flags, long offset, long dev, long ino) {
        hex(out, start, 8);
        out.append('-');
        hex(out, end, 8);
        out.append(' ');
        out.append((flags & VmFlags.READ) != 0 ? 'r' : '-');
        out.append((flags & VmFlags.WRITE) != 0 ? 'w' : '-');
        out.append((flags & VmFlags.EXEC) != 0 ? 'x' : '-');
        out.append((flags & VmFlags.MAYSHARE) != 0 ? 's' : 'p');
        out.append(' ');
        hex(out, offset, 8);
        out.append(' ');
        hex(out, dev >>> 8 & 0xfff | dev >>> 32 & ~0xfffL, 2);
        out.append(':');
        hex(out, dev & 0xff | dev >>> 12 & ~0xffL & 0xffff_ff00L, 2);
        out.append(' ').append(Long.toUnsignedString(ino)).append(' ');
    }

    @KernelFunction(value = "get_vma_name", file = "fs/proc/task_mmu.c")
    static String name(Vma v) {
        if (v.file() != null) {
            return v.file().path();
        }
        if (v.ops() != null) {
            return v.ops().name(v);
        }
        MmStruct mm = v.mm();
        if (v.start() < mm.brk() && v.end() > mm.startBrk()) {
            return "[heap]";
        }
        if (v.start() <= mm.startStack() && v.end() >= mm.startStack()) {
            return "[stack]";
        }
        return null;
    }

    static void hex(StringBuilder out, long value, int minDigits) {
        int digits = Math.max(minDigits, (67 - Long.numberOfLeadingZeros(value)) / 4);
        for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
            out.append(HEX[(int) (value >>> shift) & 15]);
        }
    }
}
