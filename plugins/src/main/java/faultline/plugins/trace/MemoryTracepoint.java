package faultline.plugins.trace;

import faultline.mmu.mm.MmStruct;
import faultline.mmu.table.PageTables;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.weave.Hook;
import java.lang.invoke.MethodHandles;

/** Frames taken and given back, resident-set counters, and page-table entries. */
final class MemoryTracepoint extends Tracepoint {
    private static final String[] MEMBERS = {"MM_FILEPAGES", "MM_ANONPAGES", "MM_SWAPENTS", "MM_SHMEMPAGES"};

    private final TraceThreads threads;
    private final int[] members = new int[MEMBERS.length];

    MemoryTracepoint(TraceThreads threads) {
        super(MethodHandles.lookup());
        this.threads = threads;
        for (int i = 0; i < MEMBERS.length; i++) {
            members[i] = threads.strings().number(MEMBERS[i]);
        }
        if (threads.wants(Events.PAGE_ALLOC)) {
            on("alloc_page", Hook.EXIT, "allocated", long.class);
            on("alloc_pages", Hook.ENTRY, "allocating", Object.class, int.class);
            on("alloc_pages", Hook.EXIT, "allocatedMany", long.class);
            on("alloc_pages", Hook.THROWN, "forget");
            on("__alloc_pages", Hook.ENTRY, "allocating", Object.class, int.class);
            on("__alloc_pages", Hook.EXIT, "allocatedMany", long.class);
            on("__alloc_pages", Hook.THROWN, "forget");
        }
        if (threads.wants(Events.PAGE_FREE)) {
            on("free_unref_page", Hook.ENTRY, "freed", Object.class, long.class);
            on("__free_pages", Hook.ENTRY, "freedMany", Object.class, long.class, int.class);
        }
        if (threads.wants(Events.RSS_STAT)) {
            on("add_mm_counter", Hook.ENTRY, "counted", MmStruct.class, int.class, long.class);
        }
        if (threads.wants(Events.PTE_SET)) {
            on("set_pte_at", Hook.ENTRY, "set", PageTables.class, long.class, long.class);
            on("ptep_get_and_clear", Hook.ENTRY, "clear", PageTables.class, long.class);
        }
    }

    private void page(EventType type, long pfn, long order) {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            long[] record = threads.record(thread, type, thread.tick(threads.session()), 0);
            record[EventType.FIRST] = pfn;
            record[EventType.FIRST + 1] = order;
            threads.emit(thread);
        }
    }

    private void allocated(long pfn) {
        page(Events.PAGE_ALLOC, pfn, 0);
    }

    private void allocating(Object allocator, int order) {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            thread.push(0, order);
        }
    }

    private void allocatedMany(long pfn) {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            thread.pop();
            page(Events.PAGE_ALLOC, pfn, thread.detail());
        }
    }

    private void forget() {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            thread.pop();
        }
    }

    private void freed(Object allocator, long pfn) {
        page(Events.PAGE_FREE, pfn, 0);
    }

    private void freedMany(Object allocator, long pfn, int order) {
        page(Events.PAGE_FREE, pfn, order);
    }

    private void counted(MmStruct mm, int kind, long delta) {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            long[] record = threads.record(thread, Events.RSS_STAT, thread.tick(threads.session()), 0);
            record[EventType.FIRST] = mm.id();
            record[EventType.FIRST + 1] = members[kind];
            record[EventType.FIRST + 2] = (mm.rss(kind) + delta) * 4096;
            threads.emit(thread);
        }
    }

    private void clear(PageTables tables, long entry) {
        set(tables, entry, 0);
    }

    private void set(PageTables tables, long entry, long value) {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            thread.busy = true;
            long before = tables.getPte(entry);
            thread.busy = false;
            long[] record = threads.record(thread, Events.PTE_SET, thread.tick(threads.session()), 0);
            record[EventType.FIRST] = entry;
            record[EventType.FIRST + 1] = before;
            record[EventType.FIRST + 2] = value;
            threads.emit(thread);
        }
    }
}
