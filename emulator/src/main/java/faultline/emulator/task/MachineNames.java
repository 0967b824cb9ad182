package faultline.emulator.task;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * The names that root may give the machine: /proc/sys/kernel/hostname and domainname, sethostname(2), setdomainname(2).
 * They are the machine's own; the host keeps its. Any thread.
 */
@KernelFunction("uts_namespace")
public final class MachineNames implements Sysctl {
    /** Most bytes of a name (__NEW_UTS_LEN). */
    public static final int MOST = 64;

    private static final String HOST = "kernel/hostname";
    private static final String DOMAIN = "kernel/domainname";

    private volatile String host;
    private volatile String domain = "(none)";

    MachineNames(String host) {
        this.host = host;
    }

    public String host() {
        return host;
    }

    public String domain() {
        return domain;
    }

    /** sethostname(2), by who may. */
    public void setHost(String name) {
        host = name;
    }

    /** setdomainname(2), by who may. */
    public void setDomain(String name) {
        domain = name;
    }

    @Override
    public String get(String name) {
        return switch (name) {
            case HOST -> host;
            case DOMAIN -> domain;
            default -> null;
        };
    }

    /** What is too long is cut, as proc_dostring does. */
    @Override
    @KernelFunction(value = "proc_do_uts_string", file = "kernel/utsname_sysctl.c")
    public long set(String name, String value) {
        String kept = value.substring(0, Math.min(value.length(), MOST));
        switch (name) {
            case HOST -> host = kept;
            case DOMAIN -> domain = kept;
            default -> {
                return -Errno.EACCES;
            }
        }
        return 0;
    }
}
