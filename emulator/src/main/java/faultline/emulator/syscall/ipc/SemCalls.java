package faultline.emulator.syscall.ipc;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.KernelClock;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.emulator.task.TimeValues;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** semget, semop, semtimedop, semctl. */
public final class SemCalls implements SyscallFamily {
    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.SEMGET,
                "semget",
                (task, key, count, flags, a3, a4, a5) ->
                        task.kernel().sem().get(IpcOwner.of(task), (int) key, (int) count, (int) flags));
        table.register(
                Nr.SEMOP,
                "semop",
                (task, id, operations, count, a3, a4, a5) -> operate(task, (int) id, operations, (int) count, 0));
        table.register(
                Nr.SEMTIMEDOP,
                "semtimedop",
                (task, id, operations, count, timeout, a4, a5) ->
                        operate(task, (int) id, operations, (int) count, timeout));
        table.register(
                Nr.SEMCTL,
                "semctl",
                (task, id, number, command, argument, a4, a5) ->
                        SemControl.run(task, (int) id, (int) number, (int) command, argument));
    }

    @KernelFunction(value = "do_semtimedop", file = "ipc/sem.c")
    private static long operate(Task task, int id, long operations, int count, long timeout) {
        SemTable table = task.kernel().sem();
        long nanos = timeout == 0 ? Sleeps.NEVER : TimeValues.readTimespec(task, timeout);
        int most;
        synchronized (table) {
            most = table.sysctl().semopm;
        }
        if (Integer.compareUnsigned(count, most) > 0) {
            return -Errno.E2BIG;
        }
        if (count < 1) {
            return -Errno.EINVAL;
        }
        SemOperation[] read = SemOperation.read(task, operations, count);
        if (id < 0 || nanos < 0) {
            return -Errno.EINVAL;
        }
        long deadline = nanos == Sleeps.NEVER
                ? nanos
                : TimeValues.add(task.kernel().clock().now(KernelClock.MONOTONIC), nanos);
        return table.operate(task, id, read, deadline);
    }
}
