package faultline.mmu.bench;

import faultline.mmu.lock.SpinLock;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.table.PageProt;
import faultline.mmu.table.PageTableOwner;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;
import faultline.mmu.table.PtlMode;
import faultline.mmu.table.TableCounts;
import faultline.mmu.tlb.AddressSpaceTlb;

/** An address space of page tables alone, over 2 GiB of guest memory. */
final class Space implements PageTableOwner {
    static final long OLD = 0x1000_0000_0000L;
    static final long NEW = 0x2000_0000_0000L;
    static final int PAGES = 1 << 18;

    final PhysicalMemory memory = PhysicalMemory.reserve(2L << 30);
    final PageTables tables;
    private final SpinLock lock = new SpinLock(PageTables.PAGE_TABLE_LOCK);
    private final TableCounts tableCounts = new TableCounts();
    private final long pgd;

    Space(PtlMode mode) {
        tables = new PageTables(memory, mode);
        pgd = tables.allocPgd();
    }

    /** Maps 1 GiB of pages, accessed and dirty. */
    void fill() {
        PtlGuard guard = new PtlGuard();
        for (int i = 0; i < PAGES; i++) {
            long address = OLD + i * Page.SIZE;
            long pte = tables.pteAllocMapLock(this, tables.allocToPmd(this, address), address, guard);
            tables.setPte(pte, Pte.of(i + 1, PageProt.SHARED | Pte.DIRTY));
            tables.pteUnmapUnlock(pte, guard);
        }
    }

    @Override
    public long pgd() {
        return pgd;
    }

    @Override
    public SpinLock pageTableLock() {
        return lock;
    }

    @Override
    public AddressSpaceTlb tlb() {
        return AddressSpaceTlb.NONE;
    }

    @Override
    public TableCounts tableCounts() {
        return tableCounts;
    }
}
