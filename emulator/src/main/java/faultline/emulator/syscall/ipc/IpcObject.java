package faultline.emulator.syscall.ipc;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** What all objects of System V IPC have: id, key, owner and mode. Guarded by the monitor of the object's table. */
@KernelFunction("kern_ipc_perm")
abstract class IpcObject {
    /** Permission bits of a mode. */
    static final int MODE = 0777;

    static final int S_IRUGO = 0444;
    static final int S_IWUGO = 0222;

    final int id;
    final int creatorUid;
    final int creatorGid;
    int key;
    int uid;
    int gid;
    /** Permission bits, and what else a kind of objects has in its mode. */
    int mode;

    /** Seconds since 1970. */
    long changeTime;

    IpcObject(int id, int key, int mode, IpcOwner owner, long now) {
        this.id = id;
        this.key = key;
        this.mode = mode;
        creatorUid = owner.uid();
        creatorGid = owner.gid();
        uid = creatorUid;
        gid = creatorGid;
        changeTime = now;
    }

    /** Whether {@code owner} may do what the bits of {@code wanted}, as of the owner's class, say. */
    @KernelFunction(value = "ipcperms", file = "ipc/util.c")
    final boolean allows(IpcOwner owner, int wanted) {
        int requested = wanted >> 6 | wanted >> 3 | wanted;
        int granted = mode;
        if (owner.uid() == creatorUid || owner.uid() == uid) {
            granted >>= 6;
        } else if (owner.gid() == creatorGid || owner.gid() == gid) {
            granted >>= 3;
        }
        return (requested & ~granted & 7) == 0 || owner.isRoot();
    }

    /** Whether {@code owner} may change or remove the object. */
    final boolean isOwnedBy(IpcOwner owner) {
        return owner.isRoot() || owner.uid() == uid || owner.uid() == creatorUid;
    }

    /** IPC_SET of owner and permission bits. Returns 0, -EPERM, or -EINVAL for an id that nobody can have. */
    @KernelFunction(value = "ipc_update_perm", file = "ipc/util.c")
    final long change(IpcOwner owner, IpcChange change, long now) {
        if (!isOwnedBy(owner)) {
            return -Errno.EPERM;
        }
        if (change.uid() == -1 || change.gid() == -1) {
            return -Errno.EINVAL;
        }
        uid = change.uid();
        gid = change.gid();
        mode = mode & ~MODE | change.mode() & MODE;
        changeTime = now;
        return 0;
    }

    /** Writes struct ipc64_perm, of 6 words, to the beginning of a structure. */
    @KernelFunction(value = "kernel_to_ipc64_perm", file = "ipc/util.c")
    final void describe(long[] words) {
        words[0] = pair(key, uid);
        words[1] = pair(gid, creatorUid);
        words[2] = pair(creatorGid, mode);
        words[3] = id >>> IpcIds.SEQUENCE_SHIFT;
    }

    /** Two ints as a word of a structure. */
    static long pair(int low, int high) {
        return low & 0xffff_ffffL | (long) high << 32;
    }
}
