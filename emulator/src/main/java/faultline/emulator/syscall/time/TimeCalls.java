package faultline.emulator.syscall.time;

import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;

/** All calls of this package. */
public final class TimeCalls implements SyscallFamily {
    @Override
    public void register(SyscallTable table) {
        new ClockCalls().register(table);
        new SleepCalls().register(table);
        new TimerCalls().register(table);
        new TimerFdCalls().register(table);
    }
}
