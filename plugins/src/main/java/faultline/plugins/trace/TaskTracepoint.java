package faultline.plugins.trace;

import faultline.emulator.signal.SigInfo;
import faultline.emulator.task.Task;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.weave.Hook;
import java.lang.invoke.MethodHandles;

/** Signals that reach a handler, the virtual CPU going from task to task, and tasks that end. */
final class TaskTracepoint extends Tracepoint {
    private final TraceThreads threads;

    TaskTracepoint(TraceThreads threads) {
        super(MethodHandles.lookup());
        this.threads = threads;
        if (threads.wants(Events.SIGNAL)) {
            on("x64_setup_rt_frame", Hook.ENTRY, "deliver", Object.class, Task.class, SigInfo.class);
        }
        if (threads.wants(Events.SWITCH)) {
            on("__schedule", Hook.ENTRY, "waiting");
            on("__schedule", Hook.EXIT, "switched");
        }
        if (threads.wants(Events.EXIT)) {
            on("do_exit", Hook.ENTRY, "exit", Task.class);
        }
    }

    private void deliver(Object frame, Task task, SigInfo info) {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            long[] record = threads.record(thread, Events.SIGNAL, thread.tick(threads.session()), 0);
            record[EventType.FIRST] = info.signal();
            record[EventType.FIRST + 1] = info.code();
            record[EventType.FIRST + 2] = info.address();
            threads.emit(thread);
        }
    }

    private void waiting() {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            thread.push(thread.tick(threads.session()), 0);
        }
    }

    private void switched() {
        ThreadTrace thread = threads.enter();
        long begun = thread == null ? -1 : thread.pop();
        if (begun >= 0) {
            long now = thread.tick(threads.session());
            long[] record = threads.record(thread, Events.SWITCH, now, now - begun);
            record[EventType.FIRST] = threads.guest().tid();
            threads.emit(thread);
        }
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
