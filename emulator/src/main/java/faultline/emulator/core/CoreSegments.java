package faultline.emulator.core;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.gup.DumpPages;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import java.util.ArrayList;
import java.util.List;

/**
 * How much of each mapping goes into a core file.
 *
 * <table>
 * <caption>By the bits of /proc/PID/coredump_filter</caption>
 * <tr><td>0</td><td>anonymous private memory, and private file mappings that were written to</td></tr>
 * <tr><td>1</td><td>anonymous shared memory</td></tr>
 * <tr><td>2</td><td>private file mappings</td></tr>
 * <tr><td>3</td><td>shared file mappings</td></tr>
 * <tr><td>4</td><td>the first page of mapped ELF files, which tells a debugger what was mapped</td></tr>
 * <tr><td>5, 6</td><td>huge pages, private and shared</td></tr>
 * </table>
 *
 * MADV_DONTDUMP takes a mapping out whatever the bits; what the kernel maps by itself (vdso) is always in.
 */
final class CoreSegments {
    private static final int ANON_PRIVATE = 1;
    private static final int ANON_SHARED = 1 << 1;
    private static final int MAPPED_PRIVATE = 1 << 2;
    private static final int MAPPED_SHARED = 1 << 3;
    private static final int ELF_HEADERS = 1 << 4;
    private static final int HUGETLB_PRIVATE = 1 << 5;
    private static final int HUGETLB_SHARED = 1 << 6;
    private static final int ELF_MAGIC = 0x464c457f;

    private final MmStruct mm;
    private final int filter;
    private final DumpPages pages;
    private final PhysicalMemory phys;
    private final FaultContext ctx;

    /** One mapping, and how many bytes from its start are in the file. */
    record Segment(Vma vma, long fileSize) {}

    CoreSegments(MmStruct mm, int filter, DumpPages pages, PhysicalMemory phys, FaultContext ctx) {
        this.mm = mm;
        this.filter = filter;
        this.pages = pages;
        this.phys = phys;
        this.ctx = ctx;
    }

    /** All mappings; the address space's tasks have stopped. */
    @KernelFunction(value = "dump_vma_snapshot", file = "fs/coredump.c")
    List<Segment> choose() {
        List<Vma> all = new ArrayList<>();
        mm.mmapLock().readLock();
        try {
            for (Vma vma = mm.vmas().first(); vma != null; vma = vma.next()) {
                all.add(vma);
            }
        } finally {
            mm.mmapLock().readUnlock();
        }
        return all.stream().map(vma -> new Segment(vma, dumpSize(vma))).toList();
    }

    @KernelFunction(value = "vma_dump_size", file = "fs/coredump.c")
    private long dumpSize(Vma vma) {
        if (isKernels(vma)) {
            return vma.length();
        }
        if (vma.hasAny(VmFlags.DONTDUMP | VmFlags.IO)) {
            return 0;
        }
        boolean shared = vma.has(VmFlags.SHARED);
        if (vma.has(VmFlags.HUGETLB)) {
            return wants(shared ? HUGETLB_SHARED : HUGETLB_PRIVATE) ? vma.length() : 0;
        }
        if (shared) {
            return wants(isUnlinked(vma) ? ANON_SHARED : MAPPED_SHARED) ? vma.length() : 0;
        }
        if (vma.anonVma() != null && wants(ANON_PRIVATE)) {
            return vma.length();
        }
        if (vma.file() == null) {
            return 0;
        }
        if (wants(MAPPED_PRIVATE)) {
            return vma.length();
        }
        boolean mayShowHeader = wants(ELF_HEADERS) && vma.pgoff() == 0 && vma.has(VmFlags.READ);
        return mayShowHeader && isElf(vma) ? Page.SIZE : 0;
    }

    private boolean wants(int bit) {
        return (filter & bit) != 0;
    }

    /** What exec maps by itself and names. */
    @KernelFunction(value = "always_dump_vma", file = "fs/coredump.c")
    private static boolean isKernels(Vma vma) {
        return vma.file() == null && vma.ops() != null && vma.ops().name(vma) != null;
    }

    /** Memory rather than a file: no name leads to it any more. */
    private static boolean isUnlinked(Vma vma) {
        return vma.file() == null
                || vma.file().mapping().isShmem()
                || vma.file().path().endsWith(" (deleted)");
    }

    private boolean isElf(Vma vma) {
        long pfn = pages.pin(mm, vma.start(), ctx);
        if (pfn == DumpPages.HOLE) {
            return false;
        }
        boolean elf = phys.getInt(Page.address(pfn)) == ELF_MAGIC;
        phys.allocator().putPage(pfn);
        return elf;
    }
}
