package faultline.plugins.trace;

import faultline.plugins.event.EventType;
import faultline.plugins.event.StringTable;
import faultline.plugins.guest.GuestView;

/** Gives handlers their thread's state, and fills the head of records. */
final class TraceThreads {
    private final ThreadLocal<ThreadTrace> threads = ThreadLocal.withInitial(ThreadTrace::new);
    private final TraceSession session;
    private final GuestView guest;
    private final StringTable strings;

    TraceThreads(TraceSession session, GuestView guest, StringTable strings) {
        this.session = session;
        this.guest = guest;
        this.strings = strings;
    }

    /** The calling thread's state, or null while a handler of its own runs. */
    ThreadTrace enter() {
        ThreadTrace thread = threads.get();
        return thread.busy ? null : thread;
    }

    StringTable strings() {
        return strings;
    }

    GuestView guest() {
        return guest;
    }

    TraceSession session() {
        return session;
    }

    boolean wants(EventType type) {
        return session.wants(type);
    }

    /** Starts a record: type, time, task; all fields of the type are the caller's to fill. */
    long[] record(ThreadTrace thread, EventType type, long time, long cost) {
        long[] record = thread.record;
        record[EventType.TYPE] = type.id();
        record[EventType.TIME] = time;
        record[EventType.TASK] = (long) guest.pid() << 32 | guest.tid() & 0xffff_ffffL;
        String comm = guest.comm();
        if (comm != thread.comm) {
            thread.comm = comm;
            thread.commNumber = strings.number(comm);
        }
        record[EventType.COMM] = thread.commNumber;
        record[EventType.COST] = cost;
        record[EventType.STACK] = 0;
        return record;
    }

    /** Sends the thread's record off. */
    void emit(ThreadTrace thread) {
        session.emit(thread.record);
    }
}
