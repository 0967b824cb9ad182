package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Task;

/** What IPC_SET sets of every kind of objects. */
record IpcChange(int uid, int gid, int mode) {
    /** Reads struct ipc64_perm, which all structures for IPC_SET begin with. */
    static IpcChange read(Task task, long address) {
        return new IpcChange(
                task.user().getInt(address + 4),
                task.user().getInt(address + 8),
                task.user().getInt(address + 20));
    }
}
