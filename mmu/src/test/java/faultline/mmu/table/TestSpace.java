package faultline.mmu.table;

import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.RwSemaphore;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.tlb.AddressSpaceTlb;
import faultline.mmu.tlb.InstructionCache;
import faultline.mmu.tlb.MmuGather;

/** An address space that is nothing but page tables, for tests of this layer. */
public final class TestSpace implements PageTableOwner {
    public final RwSemaphore mmapLock = new RwSemaphore(new LockClass("mmap", LockRank.MMAP_LOCK));
    public final PageTables tables;

    private final SpinLock pageTableLock = new SpinLock(PageTables.PAGE_TABLE_LOCK);
    private final TableCounts tableCounts = new TableCounts();
    private final long pgd;
    private AddressSpaceTlb tlb = AddressSpaceTlb.NONE;

    public TestSpace(PageTables tables) {
        this.tables = tables;
        this.pgd = tables.allocPgd();
    }

    public void setTlb(AddressSpaceTlb newTlb) {
        tlb = newTlb;
    }

    @Override
    public long pgd() {
        return pgd;
    }

    @Override
    public SpinLock pageTableLock() {
        return pageTableLock;
    }

    @Override
    public AddressSpaceTlb tlb() {
        return tlb;
    }

    @Override
    public TableCounts tableCounts() {
        return tableCounts;
    }

    /** Sets the entry of an address, adding tables. @return the entry's own address, or -1 for ENOMEM */
    public long map(long address, long pte) {
        long pmd = tables.allocToPmd(this, address);
        if (pmd < 0) {
            return -1;
        }
        try (PtlGuard guard = new PtlGuard()) {
            long at = tables.pteAllocMapLock(this, pmd, address, guard);
            if (at >= 0) {
                tables.setPte(at, pte);
            }
            return at;
        }
    }

    /** The entry of an address, 0 where there is no table. */
    public long entry(long address) {
        PhysicalMemory memory = tables.memory();
        long pmd = tables.walkToPmd(pgd, address);
        if (pmd < 0 || !Pte.isTable(memory.getLong(pmd))) {
            return 0;
        }
        return memory.getLong(tables.pteOffset(pmd, address));
    }

    /** Tables below the top one, counted by walking the user half. */
    public int countTables() {
        return countTables(pgd, 256, 3);
    }

    private int countTables(long table, int entries, int levelsBelow) {
        int found = 0;
        for (int i = 0; i < entries; i++) {
            long entry = tables.memory().getLong(table + 8L * i);
            if (Pte.isTable(entry)) {
                found += 1 + (levelsBelow > 1 ? countTables(Pte.address(entry), 512, levelsBelow - 1) : 0);
            }
        }
        return found;
    }

    /** Frees all tables of the user half, and the top one. */
    public void destroy() {
        MmuGather gather = new MmuGather(tables.memory(), InstructionCache.NONE);
        gather.begin(tlb, true);
        new PageTableReaper(tables).freePgtables(this, gather, 0, 256 * Page.PGD_SIZE, 0, 0);
        gather.finish();
        tables.freePgd(pgd);
    }
}
