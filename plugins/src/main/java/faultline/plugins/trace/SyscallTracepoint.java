package faultline.plugins.trace;

import faultline.emulator.syscall.SyscallTable;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.weave.Hook;
import java.lang.invoke.MethodHandles;
import java.util.Set;

/** System calls as they enter and leave, and those among them that change mappings as events of their own. */
final class SyscallTracepoint extends Tracepoint {
    /** Calls that change the address space or what is known of it. */
    static final Set<String> MEMORY_CALLS = Set.of(
            "mmap",
            "munmap",
            "mremap",
            "mprotect",
            "brk",
            "madvise",
            "mlock",
            "mlock2",
            "munlock",
            "mlockall",
            "munlockall",
            "msync",
            "remap_file_pages",
            "mincore",
            "execve",
            "fork",
            "vfork",
            "clone",
            "clone3");

    private final TraceThreads threads;
    private final int[] numbers = new int[1024];
    private final boolean[] ofMemory = new boolean[numbers.length];

    SyscallTracepoint(TraceThreads threads) {
        super(MethodHandles.lookup());
        this.threads = threads;
        String dispatch = "do_syscall_x64";
        on(
                dispatch,
                Hook.ENTRY,
                "enter",
                SyscallTable.class,
                Object.class,
                long.class,
                long.class,
                long.class,
                long.class,
                long.class,
                long.class,
                long.class);
        on(dispatch, Hook.EXIT, "exit", long.class);
        on(dispatch, Hook.THROWN, "abandon");
    }

    private int name(SyscallTable table, long number) {
        if (number < 0 || number >= numbers.length) {
            return threads.strings().number("syscall_" + number);
        }
        int at = (int) number;
        if (numbers[at] == 0) {
            String name = table.name(number);
            ofMemory[at] = MEMORY_CALLS.contains(name);
            numbers[at] = threads.strings().number(name);
        }
        return numbers[at];
    }

    private void enter(
            SyscallTable table, Object task, long number, long a0, long a1, long a2, long a3, long a4, long a5) {
        ThreadTrace thread = threads.enter();
        if (thread == null) {
            return;
        }
        long now = thread.tick(threads.session());
        long[] call = thread.call;
        call[0] = number;
        call[1] = a0;
        call[2] = a1;
        call[3] = a2;
        call[4] = a3;
        call[5] = now;
        call[6] = name(table, number);
        if (threads.wants(Events.SYS_ENTER)) {
            long[] record = threads.record(thread, Events.SYS_ENTER, now, 0);
            int at = EventType.FIRST;
            record[at++] = number;
            record[at++] = call[6];
            record[at++] = a0;
            record[at++] = a1;
            record[at++] = a2;
            record[at++] = a3;
            record[at++] = a4;
            record[at] = a5;
            threads.emit(thread);
        }
    }

    private void exit(long result) {
        ThreadTrace thread = threads.enter();
        if (thread == null || thread.call[0] < 0) {
            return;
        }
        long[] call = thread.call;
        long now = thread.tick(threads.session());
        long name = call[6];
        if (threads.wants(Events.SYS_EXIT)) {
            long[] record = threads.record(thread, Events.SYS_EXIT, now, now - call[5]);
            record[EventType.FIRST] = call[0];
            record[EventType.FIRST + 1] = name;
            record[EventType.FIRST + 2] = result;
            threads.emit(thread);
        }
        if (call[0] >= 0 && call[0] < numbers.length && ofMemory[(int) call[0]] && threads.wants(Events.VMA_CHANGE)) {
            long[] record = threads.record(thread, Events.VMA_CHANGE, thread.tick(threads.session()), now - call[5]);
            int at = EventType.FIRST;
            record[at++] = name;
            record[at++] = call[1];
            record[at++] = call[2];
            record[at++] = call[3];
            record[at++] = call[4];
            record[at] = result;
            threads.emit(thread);
        }
        call[0] = -1;
    }

    private void abandon() {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            thread.call[0] = -1;
        }
    }
}
