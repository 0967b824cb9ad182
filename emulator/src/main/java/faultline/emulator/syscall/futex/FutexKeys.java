package faultline.emulator.syscall.futex;

import faultline.emulator.task.Task;
import faultline.emulator.task.UserFault;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.gup.UserMemory;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.system.MemorySystem;

/** Finds out what futex an address is. */
final class FutexKeys {
    private FutexKeys() {}

    /**
     * The key of an aligned address.
     *
     * @param shared whether other processes may use the futex: then what its page belongs to tells
     * @param write whether the call writes the word: then it must be writable
     * @throws UserFault where the address is no user's, or a shared word cannot be reached
     */
    @KernelFunction(value = "get_futex_key", file = "kernel/futex/core.c")
    static FutexKey of(Task task, long address, boolean shared, boolean write) {
        if (!UserMemory.accessOk(address, Integer.BYTES)) {
            throw UserFault.INSTANCE;
        }
        return shared ? sharedKey(task, address, write) : new FutexKey(task.mm(), address);
    }

    /**
     * The key of a word that may be shared. Its page is pinned while it is asked whose it is, so that it cannot become
     * another's meanwhile.
     *
     * <p>Pinned as for writing where that is allowed: a private page is then this process' own copy, and its address is
     * the key.
     */
    private static FutexKey sharedKey(Task task, long address, boolean write) {
        MmStruct mm = task.mm();
        MemorySystem memory = task.kernel().memory();
        long[] page = new long[1];
        boolean readOnly = false;
        mm.mmapLock().readLock();
        try {
            long pinned = memory.gup().getUserPages(mm, task.fault(), address, 1, true, false, page, null);
            if (pinned == -Errno.EFAULT && !write) {
                readOnly = true;
                pinned = memory.gup().getUserPages(mm, task.fault(), address, 1, false, false, page, null);
            }
            if (pinned < 0) {
                throw UserFault.INSTANCE;
            }
        } finally {
            mm.mmapLock().readUnlock();
        }
        FrameTable frames = memory.phys().frames();
        try {
            long head = frames.head(page[0]);
            if (frames.test(head, PageFlags.ANON) && !readOnly) {
                return new FutexKey(mm, address);
            }
            if (frames.mapping(head) instanceof AddressSpace object) {
                long index = frames.index(head) + (page[0] - head);
                return new FutexKey(object.store().identity(object), (index << Page.SHIFT) + Page.offset(address));
            }
            // an anonymous page that can never be written, the page of zeros, or one whose file was cut: nobody wakes
            // there
            throw UserFault.INSTANCE;
        } finally {
            memory.phys().allocator().putPage(page[0]);
        }
    }
}
