package faultline.emulator.syscall;

import faultline.emulator.task.Task;
import faultline.emulator.task.UserFault;
import faultline.mmu.Errno;
import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLongArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The system calls of one machine, by their x86-64 numbers.
 *
 * <p>Filled by {@link SyscallFamily}s before the first task starts, and only read afterwards. A number that nobody
 * registered answers {@code ENOSYS} and writes one WARN line that names the call, once a number.
 */
public final class SyscallTable {
    /** One more than the highest number a guest may use and get anything but ENOSYS for. */
    public static final int SIZE = 512;

    private static final Logger LOG = LoggerFactory.getLogger(SyscallTable.class);

    private final SyscallHandler[] handlers = new SyscallHandler[SIZE];
    private final String[] names = new String[SIZE];
    private final AtomicLongArray unknownSeen = new AtomicLongArray(SIZE);
    private final AtomicLongArray calls = new AtomicLongArray(SIZE);

    /**
     * Puts a handler in.
     *
     * @throws IllegalStateException when the number is taken: two families disagree about who owns a call
     */
    public void register(int number, String name, SyscallHandler handler) {
        if (handlers[number] != null) {
            throw new IllegalStateException(
                    "system call " + number + " (" + name + ") is registered already, as " + names[number]);
        }
        handlers[number] = handler;
        names[number] = name;
    }

    /** Whether somebody answers this number. */
    public boolean isRegistered(int number) {
        return number >= 0 && number < SIZE && handlers[number] != null;
    }

    /** The call's name, also of calls that nobody registered; {@code "syscall_N"} where there is no such call. */
    public String name(long number) {
        if (number >= 0 && number < SIZE && names[(int) number] != null) {
            return names[(int) number];
        }
        return SyscallNames.name(number);
    }

    /** Names of all system calls that x86-64 has, whether or not anybody answers them. */
    public static Set<String> allNames() {
        return SyscallNames.all();
    }

    /** How often each number was called since the machine started. */
    public long calls(int number) {
        return calls.get(number);
    }

    /** System calls of all numbers below {@link #SIZE} since the machine started. */
    public long totalCalls() {
        long sum = 0;
        for (int i = 0; i < SIZE; i++) {
            sum += calls.get(i);
        }
        return sum;
    }

    /** Runs one call of {@code task}; returns the raw result, which may be one of {@link Restart}'s codes. */
    @Injectable(value = "sys", error = -Errno.ENOMEM)
    @KernelFunction(value = "do_syscall_x64", file = "arch/x86/entry/syscall_64.c")
    public long dispatch(Task task, long number, long a0, long a1, long a2, long a3, long a4, long a5) {
        if (number < 0 || number >= SIZE) {
            return -Errno.ENOSYS;
        }
        int nr = (int) number;
        calls.lazySet(nr, calls.getPlain(nr) + 1);
        SyscallHandler handler = handlers[nr];
        if (handler == null) {
            return unknown(nr);
        }
        try {
            return handler.call(task, a0, a1, a2, a3, a4, a5);
        } catch (UserFault e) {
            return -Errno.EFAULT;
        }
    }

    private long unknown(int number) {
        if (unknownSeen.getAndSet(number, 1) == 0) {
            LOG.warn("unknown system call {} ({}): the guest gets ENOSYS", number, name(number));
        }
        return -Errno.ENOSYS;
    }
}
