package faultline.emulator.cpu;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.table.PageWalker;

/** An address space of the memory manager, as an engine sees it. */
record MmuMemory(PageWalker walker, FaultHandler faults, MmStruct mm, long pgd) implements GuestMemory {
    MmuMemory(PageWalker walker, FaultHandler faults, MmStruct mm) {
        this(walker, faults, mm, mm.pgd());
    }

    @Override
    public long walk(long address, int access) {
        return walker.walk(pgd, address, access, true);
    }

    @Override
    public int fault(long address, int errorCode, FaultContext context) {
        return faults.doUserAddrFault(mm, address, errorCode, context);
    }
}
