package faultline.plugins.trace;

import faultline.emulator.unicorn.UnicornConstants;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.weave.Hook;
import java.lang.invoke.MethodHandles;

/** The translation cache: its misses, and flushes as the memory manager asks for them. */
final class TlbTracepoint extends Tracepoint {
    private static final long PAGE_SIZE = 4096;

    private final TraceThreads threads;
    private final int page;
    private final int range;
    private final int all;
    private final int[] access;

    TlbTracepoint(TraceThreads threads) {
        super(MethodHandles.lookup());
        this.threads = threads;
        this.page = threads.strings().number("page");
        this.range = threads.strings().number("range");
        this.all = threads.strings().number("all");
        this.access = new int[] {
            threads.strings().number("read"),
            threads.strings().number("write"),
            threads.strings().number("fetch")
        };
        if (threads.wants(Events.TLB_FILL)) {
            on("handle_tlbmiss", Hook.ENTRY, "beginFill", Object.class, long.class, int.class);
            on("handle_tlbmiss", Hook.EXIT, "endFill", boolean.class);
            on("handle_tlbmiss", Hook.THROWN, "failFill");
        }
        if (!threads.wants(Events.TLB_FLUSH)) {
            return;
        }
        on("flush_tlb_page", Hook.ENTRY, "flushPage", Object.class, long.class);
        on("flush_tlb_range", Hook.ENTRY, "flushRange", Object.class, long.class, long.class);
        on("flush_tlb_mm", Hook.ENTRY, "flushAll");
    }

    /**
     * The fault inside may nest events of this thread: address, whose low bits are clear, and kind wait as one number.
     */
    private void beginFill(Object filler, long address, int kind) {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            thread.push(thread.tick(threads.session()), address | kind - UnicornConstants.UC_MEM_READ);
        }
    }

    private void endFill(boolean filled) {
        ThreadTrace thread = threads.enter();
        long begun = thread == null ? -1 : thread.pop();
        if (begun >= 0) {
            long miss = thread.detail();
            long now = thread.tick(threads.session());
            long[] record = threads.record(thread, Events.TLB_FILL, now, now - begun);
            record[EventType.FIRST] = miss & -PAGE_SIZE;
            record[EventType.FIRST + 1] = access[(int) (miss & PAGE_SIZE - 1)];
            record[EventType.FIRST + 2] = filled ? 1 : 0;
            threads.emit(thread);
        }
    }

    private void failFill() {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            thread.pop();
        }
    }

    private void flushPage(Object engine, long address) {
        emit(page, 1, address, address + PAGE_SIZE);
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
