package faultline.mmu.kernel;

import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.table.PageTableOwner;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.TableCounts;
import faultline.mmu.tlb.AddressSpaceTlb;

/**
 * The kernel's own page tables: the upper half of every address space.
 *
 * <p>All top tables share it because its PUD tables are made here, before the first process, and never change: each top
 * table copies the entries that point to them. Tables below are added where needed and never freed.
 *
 * <p>Nobody locks it from outside (seed 002). Who owns a range of kernel addresses ({@link VmapAreas}) may fill and
 * clear entries in it without any lock, and the allocators of tables take the lock inside, only to see whether a task
 * that fills a neighbouring range was first ({@code VmallocTest}: eight threads).
 */
@KernelFunction("init_mm")
public final class InitMm implements PageTableOwner {
    /** First address for vmalloc and ioremap, as x86-64 has it. */
    public static final long VMALLOC_START = 0xffff_c900_0000_0000L;
    /** Behind the last one: 1 TiB, of Linux's 32, so that two PUD tables do. */
    public static final long VMALLOC_END = VMALLOC_START + (1L << 40);

    private final PageTables tables;
    private final PhysicalMemory memory;
    private final long pgd;
    private final SpinLock pageTableLock = new SpinLock(PageTables.PAGE_TABLE_LOCK);
    private final TableCounts tableCounts = new TableCounts();
    private volatile AddressSpaceTlb tlb = AddressSpaceTlb.NONE;

    /** Makes the kernel half, and has all top tables that {@code tables} makes from now on share it. */
    public InitMm(PageTables tables) {
        this.tables = tables;
        this.memory = tables.memory();
        pgd = tables.allocPgd();
        if (pgd < 0 || !preallocate()) {
            throw new IllegalStateException("guest memory is too small for the kernel's page tables");
        }
        tables.setKernelPgd(pgd);
    }

    @KernelFunction("preallocate_vmalloc_pages")
    private boolean preallocate() {
        memory.frames().set(Page.pfn(pgd), PageFlags.KERNEL);
        for (long address = VMALLOC_START; address < VMALLOC_END; address += Page.PGD_SIZE) {
            if (tables.pudAlloc(this, tables.pgdOffset(pgd, address), address) < 0) {
                return false;
            }
        }
        return true;
    }

    /** The page tables that this is part of. */
    public PageTables tables() {
        return tables;
    }

    @Override
    public long pgd() {
        return pgd;
    }

    @Override
    public SpinLock pageTableLock() {
        return pageTableLock;
    }

    /** Every processor's translations of kernel addresses. */
    @Override
    public AddressSpaceTlb tlb() {
        return tlb;
    }

    /** Set by whoever builds the machine, before the kernel's tables change. */
    public void setTlb(AddressSpaceTlb kernelTlb) {
        tlb = kernelTlb;
    }

    @Override
    public TableCounts tableCounts() {
        return tableCounts;
    }

    /**
     * The PTE of a kernel address; adds the table where there is none. The caller owns the address, and holds no lock.
     *
     * @return the entry, or -1 for ENOMEM
     */
    @KernelFunction("pte_alloc_kernel")
    @Injectable(value = "mm/pte_alloc_kernel", mayWait = true)
    public long pteAllocKernel(long pmdEntry, long address) {
        return tables.pteAlloc(this, pmdEntry, address) == 0 ? tables.pteOffset(pmdEntry, address) : -1;
    }

    /**
     * The PTE of a kernel address.
     *
     * @return the entry, or -1 when there is no table
     */
    @KernelFunction("virt_to_kpte")
    public long pteOffsetKernel(long address) {
        long pmdEntry = tables.walkToPmd(pgd, address);
        return pmdEntry < 0 || !Pte.isTable(memory.getLongAcquire(pmdEntry)) ? -1 : tables.pteOffset(pmdEntry, address);
    }
}
