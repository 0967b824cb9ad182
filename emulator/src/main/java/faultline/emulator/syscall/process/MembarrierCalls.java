package faultline.emulator.syscall.process;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * membarrier(2). With one processor every task sees memory in program order of all others: that another runs at all is
 * the barrier, and whoever does not run begins its restartable sequence anew when it does. What is left is who
 * announced which barriers.
 */
final class MembarrierCalls implements SyscallFamily {
    private static final int QUERY = 0;
    private static final int REGISTER_GLOBAL_EXPEDITED = 1 << 2;
    private static final int PRIVATE_EXPEDITED = 1 << 3;
    private static final int REGISTER_PRIVATE_EXPEDITED = 1 << 4;
    private static final int PRIVATE_EXPEDITED_SYNC_CORE = 1 << 5;
    private static final int REGISTER_SYNC_CORE = 1 << 6;
    private static final int PRIVATE_EXPEDITED_RSEQ = 1 << 7;
    private static final int REGISTER_RSEQ = 1 << 8;
    private static final int GET_REGISTRATIONS = 1 << 9;
    /** All commands, each a bit. */
    private static final int KNOWN = (1 << 10) - 1;

    /** The one flag: a processor is named, of PRIVATE_EXPEDITED_RSEQ. */
    private static final int CMD_FLAG_CPU = 1;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.MEMBARRIER,
                "membarrier",
                (task, command, flags, cpu, a3, a4, a5) -> run(task, (int) command, (int) flags));
    }

    @KernelFunction(value = "membarrier", file = "kernel/sched/membarrier.c")
    private static long run(Task task, int command, int flags) {
        if (flags != 0 && (command != PRIVATE_EXPEDITED_RSEQ || flags != CMD_FLAG_CPU)) {
            return -Errno.EINVAL;
        }
        if (command == QUERY) {
            return KNOWN;
        }
        if (command < 0 || Integer.bitCount(command) != 1 || (command & KNOWN) == 0) {
            return -Errno.EINVAL;
        }
        Process process = task.process();
        return switch (command) {
            case REGISTER_GLOBAL_EXPEDITED, REGISTER_PRIVATE_EXPEDITED, REGISTER_SYNC_CORE, REGISTER_RSEQ -> {
                process.registerMembarrier(command);
                yield 0;
            }
            case PRIVATE_EXPEDITED, PRIVATE_EXPEDITED_SYNC_CORE, PRIVATE_EXPEDITED_RSEQ ->
                (process.membarrier() & command << 1) != 0 ? 0 : -Errno.EPERM;
            case GET_REGISTRATIONS -> registrations(process.membarrier());
            default -> 0;
        };
    }

    /** The two finer kinds tell themselves as the plain one, too, though they do not allow it. */
    @KernelFunction(value = "membarrier_get_registrations", file = "kernel/sched/membarrier.c")
    private static int registrations(int announced) {
        boolean finer = (announced & (REGISTER_SYNC_CORE | REGISTER_RSEQ)) != 0;
        return finer ? announced | REGISTER_PRIVATE_EXPEDITED : announced;
    }
}
