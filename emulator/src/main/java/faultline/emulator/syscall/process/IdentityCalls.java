package faultline.emulator.syscall.process;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;

/** Who am I: process, parent, thread. */
final class IdentityCalls implements SyscallFamily {
    @Override
    public void register(SyscallTable table) {
        table.register(Nr.GETPID, "getpid", (task, a0, a1, a2, a3, a4, a5) -> task.pid());
        table.register(Nr.GETTID, "gettid", (task, a0, a1, a2, a3, a4, a5) -> task.tid());
        table.register(
                Nr.GETPPID,
                "getppid",
                (task, a0, a1, a2, a3, a4, a5) -> task.process().parentPid());
        table.register(Nr.SET_TID_ADDRESS, "set_tid_address", (task, address, a1, a2, a3, a4, a5) -> {
            task.setClearChildTid(address);
            return task.tid();
        });
    }
}
