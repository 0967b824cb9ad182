package faultline.emulator.syscall.process;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.mmu.Errno;
import java.util.Map;

/**
 * Calls that change the machine as a whole: EPERM, as for a caller without the capability that each needs, also when
 * the emulator runs as root. The host's machine is not the guest's to change.
 */
final class AdministratorCalls implements SyscallFamily {
    private static final Map<Integer, String> REFUSED = Map.ofEntries(
            Map.entry(Nr.ACCT, "acct"),
            Map.entry(Nr.BPF, "bpf"),
            Map.entry(Nr.CHROOT, "chroot"),
            Map.entry(Nr.DELETE_MODULE, "delete_module"),
            Map.entry(Nr.FANOTIFY_INIT, "fanotify_init"),
            Map.entry(Nr.FINIT_MODULE, "finit_module"),
            Map.entry(Nr.FSMOUNT, "fsmount"),
            Map.entry(Nr.FSOPEN, "fsopen"),
            Map.entry(Nr.FSPICK, "fspick"),
            Map.entry(Nr.INIT_MODULE, "init_module"),
            Map.entry(Nr.IOPERM, "ioperm"),
            Map.entry(Nr.IOPL, "iopl"),
            Map.entry(Nr.KEXEC_FILE_LOAD, "kexec_file_load"),
            Map.entry(Nr.KEXEC_LOAD, "kexec_load"),
            Map.entry(Nr.MOUNT_SETATTR, "mount_setattr"),
            Map.entry(Nr.MOVE_MOUNT, "move_mount"),
            Map.entry(Nr.OPEN_BY_HANDLE_AT, "open_by_handle_at"),
            Map.entry(Nr.OPEN_TREE, "open_tree"),
            Map.entry(Nr.PERF_EVENT_OPEN, "perf_event_open"),
            Map.entry(Nr.PIVOT_ROOT, "pivot_root"),
            Map.entry(Nr.QUOTACTL, "quotactl"),
            Map.entry(Nr.QUOTACTL_FD, "quotactl_fd"),
            Map.entry(Nr.REBOOT, "reboot"),
            Map.entry(Nr.SYSLOG, "syslog"),
            Map.entry(Nr.VHANGUP, "vhangup"));

    @Override
    public void register(SyscallTable table) {
        REFUSED.forEach((number, name) -> table.register(number, name, (t, a, b, c, d, e, f) -> -Errno.EPERM));
    }
}
