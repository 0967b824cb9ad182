package faultline.mmu.bench;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultFlags;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MemorySystem;
import faultline.mmu.table.PtlMode;

/** A machine of 1 GiB with one address space that no processor runs, and one task in it. */
final class Machine implements AutoCloseable {
    /** Where benchmarks put what they work on. */
    static final long BASE = 0x1000_0000_0000L;

    final MemorySystem system;
    final MmStruct mm;
    final FaultContext context = new FaultContext();

    Machine(PtlMode ptl) {
        system = new MemorySystem(MemoryConfig.defaults().withPtl(ptl));
        mm = system.newMm(MmLimits.ROOT);
    }

    /** Maps private anonymous memory, with rights {@code prot}, in place of what is there. */
    void map(long address, long pages, int prot) {
        int flags = MmapFlags.PRIVATE | MmapFlags.ANONYMOUS | MmapFlags.FIXED;
        check(system.mmap().doMmap(mm, context, address, pages << Page.SHIFT, prot, flags, null, 0));
    }

    /** As {@link #map(long, long, int)}, to be read and written. */
    void map(long address, long pages) {
        map(address, pages, Prot.READ | Prot.WRITE);
    }

    /** Empties pages and keeps their tables. */
    void discard(long address, long pages) {
        check(system.madvise().run(mm, context, address, pages << Page.SHIFT, Madv.DONTNEED));
    }

    /** Writes to each page for the first time; {@code task} is the caller's own. */
    void write(Vma area, long address, long pages, FaultContext task) {
        long end = address + (pages << Page.SHIFT);
        for (long at = address; at < end; at += Page.SIZE) {
            int fault = system.faults().handleMmFault(mm, area, at, FaultFlags.WRITE | FaultFlags.USER, task);
            if (fault != 0) {
                throw new IllegalStateException("fault ended in " + fault);
            }
        }
    }

    /** A store of user code to a page that is not there yet: the whole of the fault, with its lock. */
    void touch(long address, FaultContext task) {
        int outcome = system.faults()
                .doUserAddrFault(mm, address, FaultHandler.PF_WRITE | FaultHandler.PF_USER, task);
        if (outcome != FaultHandler.FAULT_DONE) {
            throw new IllegalStateException("fault ended in " + outcome);
        }
    }

    static void check(long result) {
        if (result < 0) {
            throw new IllegalStateException("failed with errno " + -result);
        }
    }

    @Override
    public void close() {
        system.exitMmap(mm);
        system.close();
    }
}
