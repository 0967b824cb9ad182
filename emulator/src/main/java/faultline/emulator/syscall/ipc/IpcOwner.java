package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Credentials;
import faultline.emulator.task.Task;
import faultline.mmu.annotation.KernelFunction;

/** Who makes a call: effective ids of the calling task, and its process. */
record IpcOwner(int uid, int gid, int pid) {
    static IpcOwner of(Task task) {
        Credentials ids = task.credentials();
        return new IpcOwner(ids.effective(), ids.group(), task.pid());
    }

    /** Whether segments of huge pages are allowed: to root, and to the group of vm.hugetlb_shm_group, which is 0. */
    @KernelFunction(value = "can_do_hugetlb_shm", file = "fs/hugetlbfs/inode.c")
    boolean mayUseHugePages() {
        return isRoot() || gid == 0;
    }

    boolean isRoot() {
        return uid == 0;
    }
}
