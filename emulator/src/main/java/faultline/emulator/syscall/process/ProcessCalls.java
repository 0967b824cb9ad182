package faultline.emulator.syscall.process;

import faultline.emulator.ptrace.PtraceCalls;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import java.util.List;

/** All calls of this package. */
public final class ProcessCalls implements SyscallFamily {
    @Override
    public void register(SyscallTable table) {
        List.of(
                        new IdentityCalls(),
                        new CredentialCalls(),
                        new LifeCalls(),
                        new GroupCalls(),
                        new NamespaceCalls(),
                        new CompareCalls(),
                        new PtraceCalls(),
                        new PidfdCalls(),
                        new LimitCalls(),
                        new UsageCalls(),
                        new SchedulingCalls(),
                        new MembarrierCalls(),
                        new ControlCalls(),
                        new PrctlCalls(),
                        new SeccompCalls(),
                        new SystemCalls(),
                        new AdministratorCalls())
                .forEach(family -> family.register(table));
    }
}
