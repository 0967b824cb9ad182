package faultline.plugins.guest;

import faultline.mmu.file.MappedFile;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;

/** Looks into an address space without changing it: no fault is taken, no accessed bit set, no table made. */
public final class AddressSpaceView {
    /** What perf calls anonymous memory that has no name of its own. */
    public static final String ANON = "//anon";

    private static final long PAGE_MASK = -4096L;
    private static final long FRAME_MASK = 0x000f_ffff_ffff_f000L;
    private static final long HUGE_OFFSET_MASK = (1L << 21) - 1;

    private AddressSpaceView() {}

    /**
     * The leaf entry of an address, 0 where there is no table for it. The caller holds the mmap lock, at least for
     * reading, or knows otherwise that no table goes away.
     */
    public static long pte(PageTables tables, MmStruct mm, long address) {
        long pmd = tables.walkToPmd(mm.pgd(), address);
        if (pmd < 0) {
            return 0;
        }
        long entry = tables.getPte(pmd);
        if (!Pte.isTable(entry)) {
            return entry;
        }
        return tables.getPte(tables.pteOffset(pmd, address));
    }

    /**
     * Guest-physical address of a present user page's byte, or -1.
     *
     * <p>Precondition: as {@link #pte}.
     */
    public static long physical(PageTables tables, MmStruct mm, long address) {
        long pmd = address < 0 ? -1 : tables.walkToPmd(mm.pgd(), address);
        if (pmd < 0) {
            return -1;
        }
        long entry = tables.getPte(pmd);
        if (Pte.isTable(entry)) {
            entry = tables.getPte(tables.pteOffset(pmd, address));
            return Pte.isPresent(entry) ? entry & FRAME_MASK | address & ~PAGE_MASK : -1;
        }
        return Pte.isPresent(entry) ? entry & FRAME_MASK & ~HUGE_OFFSET_MASK | address & HUGE_OFFSET_MASK : -1;
    }

    /** The name of a mapping: its file's path, {@code [heap]}, {@code [stack]}, or {@link #ANON}. */
    public static String name(Vma vma) {
        MappedFile file = vma.file();
        if (file != null) {
            return GuestText.of(file.path());
        }
        MmStruct mm = vma.mm();
        if (vma.start() <= mm.brk() && vma.end() >= mm.startBrk() && mm.brk() > mm.startBrk()) {
            return "[heap]";
        }
        if (vma.start() <= mm.startStack() && vma.end() >= mm.startStack()) {
            return "[stack]";
        }
        return ANON;
    }
}
