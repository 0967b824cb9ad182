package faultline.emulator.syscall.ipc;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.hugetlb.HugetlbInode;
import faultline.mmu.policy.SharedPolicy;

/**
 * One shared memory segment, whose mode may have {@link ShmTable#DEST} and {@link ShmTable#LOCKED}. All fields but the
 * final ones are guarded by the table's monitor.
 */
@KernelFunction("shmid_kernel")
final class ShmSegment extends IpcObject {
    final long size;
    final AddressSpace memory;
    final SharedPolicy policy = new SharedPolicy();
    /** Pages promised for it. */
    final long charged;

    final int creatorPid;
    int lastPid;
    long attachTime;
    long detachTime;
    /** Whether the process that made it has ended. */
    boolean orphan;

    /** Mappings, and calls of shmat under way. */
    long attached;

    ShmSegment(int id, int key, long size, AddressSpace memory, long charged, int mode, IpcOwner owner, long now) {
        super(id, key, mode, owner, now);
        this.size = size;
        this.memory = memory;
        this.charged = charged;
        creatorPid = owner.pid();
    }

    /** Pages of memory. */
    long pages() {
        return size + 4095 >>> 12;
    }

    /** Gives its pages back: nobody has it attached. */
    void free() {
        if (memory.store() instanceof HugetlbInode inode) {
            inode.evict();
        } else {
            memory.truncate(0);
        }
    }
}
