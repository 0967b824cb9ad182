package faultline.plugins.trace;

import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.guest.GuestText;
import faultline.plugins.weave.Hook;
import java.lang.invoke.MethodHandles;

/** The virtual CPU going from task to task, and tasks that end. */
final class TaskTracepoint extends Tracepoint {
    /** What Linux calls the task of a CPU that has none. */
    private static final String IDLE = "swapper/0";

    /** Difference between the kernel's priorities and those of /proc/PID/stat. */
    private static final int MAX_RT_PRIO = 100;

    private static final int DEFAULT_PRIO = 120;
    private static final String[] STATES = {"R+", "R", "S", "T", "Z", "X"};

    private final TraceThreads threads;
    private final int[] states = new int[STATES.length];
    /**
     * Whose turn it was last, null before the first; read and written by the owner of the CPU only, handed on with it.
     */
    private volatile Task last;

    private volatile int lastTid;

    TaskTracepoint(TraceThreads threads) {
        super(MethodHandles.lookup());
        this.threads = threads;
        for (int i = 0; i < STATES.length; i++) {
            states[i] = threads.strings().number(STATES[i]);
        }
        if (threads.wants(Events.SWITCH)) {
            on("__schedule", Hook.ENTRY, "waiting");
            on("finish_task_switch", Hook.EXIT, "owning");
        }
        if (threads.wants(Events.EXIT)) {
            on("do_exit", Hook.ENTRY, "exit", Task.class);
        }
    }

    /** Called while the task still has the CPU, or because somebody else has it. */
    private void waiting() {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            thread.waitBegun = thread.tick(threads.session());
        }
    }

    /** The task has the CPU: mostly again, and nobody had it meanwhile. */
    private void owning() {
        ThreadTrace thread = threads.enter();
        if (thread == null) {
            return;
        }
        long begun = thread.waitBegun;
        thread.waitBegun = 0;
        Task task = Task.currentOrNull();
        if (task == null || task == last) {
            return;
        }
        long now = thread.tick(threads.session());
        long[] record = threads.record(thread, Events.SWITCH, now, begun == 0 ? 0 : now - begun);
        int at = EventType.FIRST;
        record[at++] = threads.strings().number(last == null ? IDLE : GuestText.of(last.name()));
        record[at++] = lastTid;
        record[at++] = last == null ? DEFAULT_PRIO : priority(last);
        record[at++] = states[last == null ? 1 : state(last)];
        record[at++] = record[EventType.COMM];
        record[at++] = task.tid();
        record[at] = priority(task);
        last = task;
        lastTid = task.tid();
        threads.emit(thread);
    }

    private static long priority(Task task) {
        return task.scheduling().shownPriority() + MAX_RT_PRIO;
    }

    /** The index of the state's name: {@code __trace_sched_switch_state()}. */
    private static int state(Task task) {
        Process process = task.process();
        if (task.kernel().tasks().get(task.tid()) != task) {
            return task == process.leader() ? 4 : 5;
        }
        if (process.group().stopped()) {
            return 3;
        }
        return task.isSleeping() ? 2 : task.inSyscall() ? 1 : 0;
    }

    private void exit(Task task) {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            long[] record = threads.record(thread, Events.EXIT, thread.tick(threads.session()), 0);
            record[EventType.FIRST] = task.exitStatus();
            record[EventType.FIRST + 1] = task.fault().minFlt;
            record[EventType.FIRST + 2] = task.fault().majFlt;
            threads.emit(thread);
        }
    }
}
