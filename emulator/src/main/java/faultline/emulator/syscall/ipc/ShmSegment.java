package faultline.emulator.syscall.ipc;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.hugetlb.HugetlbInode;

/** One shared memory segment. All fields but the final ones are guarded by the table's monitor. */
@KernelFunction("shmid_kernel")
final class ShmSegment {
    final int id;
    final long size;
    final AddressSpace memory;
    /** Pages promised for it. */
    final long charged;

    final int creatorUid;
    final int creatorGid;
    final int creatorPid;
    int key;
    int uid;
    int gid;
    /** Permission bits, {@link ShmTable#DEST} and {@link ShmTable#LOCKED}. */
    int mode;

    int lastPid;
    long attachTime;
    long detachTime;
    long changeTime;
    /** Whether the process that made it has ended. */
    boolean orphan;

    /** Mappings, and calls of shmat under way. */
    long attached;

    ShmSegment(int id, int key, long size, AddressSpace memory, long charged, int mode, ShmOwner owner, long now) {
        this.id = id;
        this.key = key;
        this.size = size;
        this.memory = memory;
        this.charged = charged;
        this.mode = mode;
        creatorUid = owner.uid();
        creatorGid = owner.gid();
        creatorPid = owner.pid();
        uid = creatorUid;
        gid = creatorGid;
        changeTime = now;
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

    /** Whether {@code owner} may do what the bits of {@code wanted}, as of the owner's class, say. */
    @KernelFunction(value = "ipcperms", file = "ipc/util.c")
    boolean allows(ShmOwner owner, int wanted) {
        int requested = wanted >> 6 | wanted >> 3 | wanted;
        int granted = mode;
        if (owner.uid() == creatorUid || owner.uid() == uid) {
            granted >>= 6;
        } else if (owner.gid() == creatorGid || owner.gid() == gid) {
            granted >>= 3;
        }
        return (requested & ~granted & 7) == 0 || owner.isRoot();
    }

    /** Whether {@code owner} may change or remove the segment. */
    boolean isOwnedBy(ShmOwner owner) {
        return owner.isRoot() || owner.uid() == uid || owner.uid() == creatorUid;
    }
}
