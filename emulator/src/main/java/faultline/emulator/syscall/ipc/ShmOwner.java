package faultline.emulator.syscall.ipc;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.task.Task;

/** Who makes a call: effective ids of the calling task, and its process. */
record ShmOwner(int uid, int gid, int pid) {
    static ShmOwner of(Task task) {
        return new ShmOwner((int) Libc.call(Nr.GETEUID), (int) Libc.call(Nr.GETEGID), task.pid());
    }

    boolean isRoot() {
        return uid == 0;
    }
}
