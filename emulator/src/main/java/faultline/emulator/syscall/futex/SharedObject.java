package faultline.emulator.syscall.futex;

import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.Vma;

/** The object behind a shared mapping. */
final class SharedObject {
    private SharedObject() {}

    /** Caller holds the mmap lock. Null when the area maps no object. */
    static AddressSpace of(Vma vma) {
        return vma.file() == null ? null : vma.file().mapping();
    }
}
