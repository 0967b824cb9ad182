package faultline.plugins.trace;

import faultline.emulator.task.Task;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.weave.Hook;
import java.lang.invoke.MethodHandles;

/** The virtual CPU going from task to task, and tasks that end. */
final class TaskTracepoint extends Tracepoint {
    /** What Linux calls the task of a CPU that has none. */
    private static final String IDLE = "swapper/0";

    private final TraceThreads threads;
    /** Whose turn it was last; read and written by the owner of the CPU only, handed on with it. */
    private volatile int lastTid;

    private volatile int lastComm;

    TaskTracepoint(TraceThreads threads) {
        super(MethodHandles.lookup());
        this.threads = threads;
        lastComm = threads.strings().number(IDLE);
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
        int tid = threads.guest().tid();
        if (tid == lastTid) {
            return;
        }
        long now = thread.tick(threads.session());
        long[] record = threads.record(thread, Events.SWITCH, now, begun == 0 ? 0 : now - begun);
        record[EventType.FIRST] = lastComm;
        record[EventType.FIRST + 1] = lastTid;
        record[EventType.FIRST + 2] = record[EventType.COMM];
        record[EventType.FIRST + 3] = tid;
        lastTid = tid;
        lastComm = (int) record[EventType.COMM];
        threads.emit(thread);
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
