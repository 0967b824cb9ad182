package faultline.plugins.trace;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.weave.Hook;
import faultline.plugins.weave.ProbeSite;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Set;

/** What happens inside a fault or an operation, as slices: one event a call of the kernel functions listed here. */
final class StepTracepoint extends Tracepoint {
    /** From the outside in, roughly: lookup, table allocation, page allocation, map, flush. */
    static final Set<String> STEPS = Set.of(
            "lock_mm_and_find_vma",
            "expand_downwards",
            "handle_mm_fault",
            "do_anonymous_page",
            "do_read_fault",
            "do_cow_fault",
            "do_shared_fault",
            "do_wp_page",
            "wp_page_copy",
            "do_swap_page",
            "__pud_alloc",
            "__pmd_alloc",
            "__pte_alloc",
            "get_zeroed_page",
            "alloc_page",
            "anon_vma_prepare",
            "filemap_fault",
            "do_fault_around",
            "finish_fault",
            "tlb_flush_mmu",
            "unmap_vmas",
            "free_pgd_range",
            "move_page_tables",
            "copy_page_range",
            "unmapped_area_topdown",
            "get_user_pages");

    private static final MethodHandle BEGIN;
    private static final MethodHandle END;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            BEGIN = lookup.findVirtual(StepTracepoint.class, "begin", MethodType.methodType(void.class));
            END = lookup.findVirtual(
                    StepTracepoint.class, "end", MethodType.methodType(void.class, int.class, long.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final TraceThreads threads;

    StepTracepoint(TraceThreads threads) {
        super(MethodHandles.lookup());
        this.threads = threads;
    }

    @Override
    boolean wants(String function) {
        return STEPS.contains(function);
    }

    @Override
    MethodHandle handle(ProbeSite site, Hook hook, MethodType type) {
        return switch (hook) {
            case ENTRY -> BEGIN.bindTo(this);
            case EXIT -> {
                MethodHandle end = MethodHandles.insertArguments(
                        END, 0, this, threads.strings().number(site.name()));
                boolean number = type.parameterCount() > 0
                        && (type.parameterType(0) == long.class || type.parameterType(0) == int.class);
                yield number ? end : MethodHandles.insertArguments(end, 0, 0L);
            }
            case THROWN ->
                MethodHandles.insertArguments(END, 0, this, threads.strings().number(site.name()), -1L);
            case INJECT -> null;
        };
    }

    private void begin() {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            thread.push(thread.tick(threads.session()), 0);
        }
    }

    private void end(int step, long result) {
        ThreadTrace thread = threads.enter();
        long begun = thread == null ? -1 : thread.pop();
        if (begun >= 0) {
            long now = thread.tick(threads.session());
            long[] record = threads.record(thread, Events.STEP, now, now - begun);
            record[EventType.FIRST] = step;
            record[EventType.FIRST + 1] = result;
            threads.emit(thread);
        }
    }
}
