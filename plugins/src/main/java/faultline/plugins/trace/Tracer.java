package faultline.plugins.trace;

import faultline.plugins.event.Events;
import faultline.plugins.event.StringTable;
import faultline.plugins.guest.EmulatorGuest;
import faultline.plugins.weave.Attachment;
import faultline.plugins.weave.SiteInfo;
import faultline.plugins.weave.SiteRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Attaches the tracepoints that a selection of events needs. Closing it detaches them; the session lives on. */
public final class Tracer implements AutoCloseable {
    /** Kernel functions that some tracepoint attaches to: a world made for tracing weaves these. */
    private static final Set<String> FUNCTIONS = Set.of(
            "do_user_addr_fault",
            "handle_mm_fault",
            "alloc_page",
            "alloc_pages",
            "__alloc_pages",
            "free_unref_page",
            "__free_pages",
            "add_mm_counter",
            "set_pte_at",
            "ptep_get_and_clear",
            "lock_contended",
            "down_read",
            "down_read_killable",
            "down_write",
            "down_write_killable",
            "down_read_trylock",
            "down_write_trylock",
            "up_read",
            "up_write",
            "spin_lock",
            "spin_lock_nested",
            "do_syscall_x64",
            "flush_tlb_page",
            "flush_tlb_range",
            "flush_tlb_mm",
            "handle_tlbmiss",
            "__send_signal_locked",
            "dequeue_signal",
            "do_exit",
            "finish_task_switch",
            "__schedule");

    private final List<Tracepoint> tracepoints = new ArrayList<>();
    private final List<Attachment> attachments = new ArrayList<>();

    /**
     * Chooses the tracepoints; {@link #attach} attaches them.
     *
     * @param guest whose thread it is, and where it learns which code lies where
     * @param stacks whether to take the guest's stacks at faults
     */
    public Tracer(TraceSession session, EmulatorGuest guest, StringTable strings, boolean stacks) {
        var threads = new TraceThreads(session, guest, strings);
        boolean faults = session.wantsAny(Events.FAULT_USER, Events.FAULT_KERNEL);
        if (faults) {
            tracepoints.add(new FaultTracepoint(threads, guest, stacks));
        }
        if (session.wantsAny(Events.PAGE_ALLOC, Events.PAGE_FREE, Events.RSS_STAT, Events.PTE_SET)) {
            tracepoints.add(new MemoryTracepoint(threads));
        }
        if (faults || session.wantsAny(Events.MMAP_LOCK, Events.MMAP_UNLOCK, Events.SPIN_LOCK)) {
            tracepoints.add(new LockTracepoint(threads));
        }
        if (session.wantsAny(Events.SYS_ENTER, Events.SYS_EXIT, Events.VMA_CHANGE)) {
            tracepoints.add(new SyscallTracepoint(threads));
        }
        if (session.wantsAny(Events.TLB_FLUSH, Events.TLB_FILL)) {
            tracepoints.add(new TlbTracepoint(threads));
        }
        if (session.wantsAny(Events.SIGNAL_GENERATE, Events.SIGNAL_DELIVER)) {
            tracepoints.add(new SignalTracepoint(threads));
        }
        if (session.wantsAny(Events.SWITCH, Events.EXIT)) {
            tracepoints.add(new TaskTracepoint(threads));
        }
        if (session.wants(Events.STEP)) {
            tracepoints.add(new StepTracepoint(threads));
        }
    }

    /** Whether worlds for tracing weave the site whatever the events are. */
    public static boolean weavesAlways(SiteInfo site) {
        return FUNCTIONS.contains(site.name());
    }

    /** Whether a world made for this selection of events should weave the site. */
    public static boolean weaves(SiteInfo site, EventSelection selection) {
        return weavesAlways(site) || selection.wants(Events.STEP) && StepTracepoint.STEPS.contains(site.name());
    }

    /** Attaches to a woven world, one attachment a group, so that one that fails does not take the others along. */
    public void attach(SiteRegistry registry) {
        for (Tracepoint each : tracepoints) {
            String owner = "trace " + each.getClass().getSimpleName();
            attachments.add(registry.attach(owner, site -> each.wants(site.name()), each::handle));
        }
    }

    /** What handlers threw, and so ended their group's events; empty when all is well. */
    public List<Throwable> failures() {
        return attachments.stream()
                .map(Attachment::failure)
                .filter(java.util.Objects::nonNull)
                .toList();
    }

    @Override
    public void close() {
        attachments.forEach(Attachment::close);
    }
}
