package faultline.emulator.fs;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/**
 * A setting of the machine below /proc/sys: everybody reads it; root alone may write it, whatever capabilities say.
 */
final class SysctlText extends VirtualText {
    SysctlText(String path, Supplier<String> text, ToLongFunction<String> writer) {
        super(path, path, text, writer);
    }

    @Override
    @KernelFunction(value = "sysctl_perm", file = "fs/proc/proc_sysctl.c")
    public Opened open(int flags) {
        boolean writes = (flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY && (flags & OpenFlags.O_PATH) == 0;
        return writes && Libc.call(Nr.GETEUID) != 0 ? Opened.failed(-Errno.EACCES) : super.open(flags);
    }
}
