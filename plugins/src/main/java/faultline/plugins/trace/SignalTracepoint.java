package faultline.plugins.trace;

import faultline.emulator.signal.SigAction;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.task.Task;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.guest.GuestText;
import faultline.plugins.weave.Hook;
import java.lang.invoke.MethodHandles;

/** Signals as they are sent, and as they reach their task. The handlers' monitor is held at both. */
final class SignalTracepoint extends Tracepoint {
    private final TraceThreads threads;
    private final ThreadLocal<Sent> sending = ThreadLocal.withInitial(Sent::new);

    /** The arguments of the call under way. */
    private static final class Sent {
        Task to;
        SigInfo info;
        boolean group;
    }

    SignalTracepoint(TraceThreads threads) {
        super(MethodHandles.lookup());
        this.threads = threads;
        if (threads.wants(Events.SIGNAL_GENERATE)) {
            on("__send_signal_locked", Hook.ENTRY, "send", Task.class, SigInfo.class, boolean.class);
            on("__send_signal_locked", Hook.EXIT, "sent", int.class);
        }
        if (threads.wants(Events.SIGNAL_DELIVER)) {
            on("dequeue_signal", Hook.EXIT, "deliver", SigInfo.class);
        }
    }

    private void send(Task to, SigInfo info, boolean group) {
        Sent sent = sending.get();
        sent.to = to;
        sent.info = info;
        sent.group = group;
    }

    private void sent(int result) {
        ThreadTrace thread = threads.enter();
        Sent sent = sending.get();
        if (thread == null || sent.info == null) {
            return;
        }
        long[] record = begin(thread, Events.SIGNAL_GENERATE, sent.info);
        int at = EventType.FIRST + 3;
        record[at++] = threads.strings().number(GuestText.of(sent.to.name()));
        record[at++] = sent.to.tid();
        record[at++] = sent.group ? 1 : 0;
        record[at] = result;
        sent.info = null;
        sent.to = null;
        threads.emit(thread);
    }

    private void deliver(SigInfo info) {
        ThreadTrace thread = threads.enter();
        Task task = Task.currentOrNull();
        if (thread == null || info == null || task == null) {
            return;
        }
        SigAction action = task.process().handlers().get(info.signal());
        long[] record = begin(thread, Events.SIGNAL_DELIVER, info);
        int at = EventType.FIRST + 3;
        record[at++] = action.handler();
        record[at++] = action.flags();
        record[at] = info.address();
        threads.emit(thread);
    }

    /** A record with the fields that both events begin with. */
    private long[] begin(ThreadTrace thread, EventType type, SigInfo info) {
        long[] record = threads.record(thread, type, thread.tick(threads.session()), 0);
        record[EventType.FIRST] = info.signal();
        record[EventType.FIRST + 1] = info.errno();
        record[EventType.FIRST + 2] = info.code();
        return record;
    }
}
