package faultline.emulator.task;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What the machine says it is: uname(2) and /proc/sys/kernel. */
public final class SystemIdentity {
    /** The kernel whose behaviour is followed. */
    public static final String RELEASE = "6.18.0-faultline";

    public static final String VERSION = "#1 SMP PREEMPT_DYNAMIC";
    public static final String MACHINE = "x86_64";

    private static final int FIELD = 65;

    private SystemIdentity() {}

    /** The name that a machine has at first: the host's; a fixed one in a deterministic machine. */
    static String nodeName(boolean deterministic) {
        if (deterministic) {
            return "faultline";
        }
        MemorySegment block = HostScratch.get().struct();
        if (Libc.call(Nr.UNAME, block.address()) < 0) {
            return "faultline";
        }
        int length = 0;
        while (length < FIELD && block.get(ValueLayout.JAVA_BYTE, FIELD + length) != 0) {
            length++;
        }
        return HostScratch.latin1(block, FIELD, length);
    }
}
