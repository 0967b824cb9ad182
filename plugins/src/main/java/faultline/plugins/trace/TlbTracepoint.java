package faultline.plugins.trace;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.weave.Hook;
import java.lang.invoke.MethodHandles;

/** Flushes of the translation cache, as the memory manager asks for them. */
final class TlbTracepoint extends Tracepoint {
    private final TraceThreads threads;
    private final int page;
    private final int range;
    private final int all;

    TlbTracepoint(TraceThreads threads) {
        super(MethodHandles.lookup());
        this.threads = threads;
        this.page = threads.strings().number("page");
        this.range = threads.strings().number("range");
        this.all = threads.strings().number("all");
        on("flush_tlb_page", Hook.ENTRY, "flushPage", Object.class, long.class);
        on("flush_tlb_range", Hook.ENTRY, "flushRange", Object.class, long.class, long.class);
        on("flush_tlb_mm", Hook.ENTRY, "flushAll");
    }

    private void flushPage(Object engine, long address) {
        emit(page, 1, address, address + 4096);
    }

    private void flushRange(Object engine, long start, long end) {
        emit(range, end - start >>> 12, start, end);
    }

    private void flushAll() {
        emit(all, -1, 0, -1);
    }

    private void emit(int reason, long pages, long start, long end) {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            long[] record = threads.record(thread, Events.TLB_FLUSH, thread.tick(threads.session()), 0);
            record[EventType.FIRST] = reason;
            record[EventType.FIRST + 1] = pages;
            record[EventType.FIRST + 2] = start;
            record[EventType.FIRST + 3] = end;
            threads.emit(thread);
        }
    }
}
