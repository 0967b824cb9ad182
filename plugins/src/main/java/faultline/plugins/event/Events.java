package faultline.plugins.event;

import static faultline.plugins.event.FieldKind.DEC;
import static faultline.plugins.event.FieldKind.HEX;
import static faultline.plugins.event.FieldKind.NS;
import static faultline.plugins.event.FieldKind.STRING;
import static faultline.plugins.event.FieldKind.SYMBOL;

import java.util.ArrayList;
import java.util.List;

/**
 * Every kind of event there is. The order of fields is the order of words: {@link EventType#FIRST}, and on.
 *
 * <p>{@code error_code} has the hardware's bits: 0 present (protection), 1 write, 2 user, 4 instruction fetch.
 */
public final class Events {
    private static final List<EventType> LIST = new ArrayList<>();

    /** A page fault of user code, resolved or not. */
    public static final EventType FAULT_USER = fault("exceptions:page_fault_user");

    /** A page fault that the kernel side took on a user address, copying from or to the guest. */
    public static final EventType FAULT_KERNEL = fault("exceptions:page_fault_kernel");

    /** Frames taken from the allocator. */
    public static final EventType PAGE_ALLOC =
            add(EventType.named("page", "kmem:mm_page_alloc").with(DEC, "pfn", "order"));

    /** Frames given back. */
    public static final EventType PAGE_FREE =
            add(EventType.named("page", "kmem:mm_page_free").with(DEC, "pfn", "order"));

    /** An address space's count of resident pages changed. */
    public static final EventType RSS_STAT = add(EventType.named("mm", "kmem:rss_stat")
            .with(DEC, "mm_id")
            .with(STRING, "member")
            .with(DEC, "size"));

    /** Translations thrown away. */
    public static final EventType TLB_FLUSH = add(EventType.named("tlb", "tlb:tlb_flush")
            .with(STRING, "reason")
            .with(DEC, "pages")
            .with(HEX, "start", "end"));

    /**
     * The translation cache missed: {@code access} is read, write or fetch. {@code filled} is 0 when the instruction
     * stopped instead: for a fault that is traced, has to wait or becomes a signal; it comes again afterwards.
     */
    public static final EventType TLB_FILL = add(EventType.named("tlb", "faultline:tlb_fill")
            .with(HEX, "address")
            .with(STRING, "access")
            .with(DEC, "filled"));

    /** The mmap lock was acquired; {@code ns} is the wait. */
    public static final EventType MMAP_LOCK = add(EventType.named("lock", "mmap_lock:mmap_lock_acquire_returned")
            .with(HEX, "lock")
            .with(STRING, "mode")
            .with(DEC, "success"));

    /** The mmap lock was let go; {@code ns} is how long it had been held. */
    public static final EventType MMAP_UNLOCK = add(EventType.named("lock", "mmap_lock:mmap_lock_released")
            .with(HEX, "lock")
            .with(STRING, "mode"));

    /** A spin lock was acquired; {@code ns} is the wait. */
    public static final EventType SPIN_LOCK =
            add(EventType.named("lock", "lock:lock_acquired").with(HEX, "lock").with(STRING, "lock_class"));

    /** A page-table entry was written. */
    public static final EventType PTE_SET =
            add(EventType.named("pte", "faultline:set_pte").with(HEX, "entry").with(HEX, "before", "after"));

    /** A memory operation: mmap, munmap, mremap, brk, mprotect, madvise…; {@code op} names it. */
    public static final EventType VMA_CHANGE = add(EventType.named("mm", "faultline:mm_op")
            .with(STRING, "op")
            .with(HEX, "address", "length", "arg2", "arg3")
            .with(HEX, "result"));

    /** A system call begins. */
    public static final EventType SYS_ENTER = add(EventType.named("syscall", "raw_syscalls:sys_enter")
            .with(DEC, "id")
            .with(STRING, "syscall")
            .with(HEX, "arg0", "arg1", "arg2", "arg3", "arg4", "arg5"));

    /** A system call ends; {@code ns} is how long it took. */
    public static final EventType SYS_EXIT = add(EventType.named("syscall", "raw_syscalls:sys_exit")
            .with(DEC, "id")
            .with(STRING, "syscall")
            .with(DEC, "ret"));

    /**
     * A signal is sent: {@code result} is 0 when it waits now, 1 when its receiver ignores it, 2 when one like it waits
     * already. {@code group} is 1 for a signal to a whole process.
     */
    public static final EventType SIGNAL_GENERATE = add(EventType.named("signal", "signal:signal_generate")
            .with(DEC, "sig", "errno", "code")
            .with(STRING, "to_comm")
            .with(DEC, "to_pid", "group", "result"));

    /** A signal reaches its task, whatever is done about it: {@code sa_handler} is 0 for the default, 1 for nothing. */
    public static final EventType SIGNAL_DELIVER = add(EventType.named("signal", "signal:signal_deliver")
            .with(DEC, "sig", "errno", "code")
            .with(HEX, "sa_handler", "sa_flags", "address"));

    /**
     * The virtual CPU went from one task to another; {@code ns} is how long the next waited for it. {@code prev_state}
     * is what the one before does when the next begins: R+ was made to leave, R is in a system call or has yielded, S
     * waits, T is stopped, Z and X have ended. Priorities are the kernel's: 120 + nice, or 99 - priority of a real-time
     * policy.
     */
    public static final EventType SWITCH = add(EventType.named("sched", "sched:sched_switch")
            .with(STRING, "prev_comm")
            .with(DEC, "prev_pid", "prev_prio")
            .with(STRING, "prev_state")
            .with(STRING, "next_comm")
            .with(DEC, "next_pid", "next_prio"));

    /** A task ended. */
    public static final EventType EXIT =
            add(EventType.named("sched", "sched:sched_process_exit").with(DEC, "status", "min_flt", "maj_flt"));

    /** A step inside a fault: VMA lookup, table allocation, page allocation, … {@code step} is the kernel function. */
    public static final EventType STEP =
            add(EventType.named("step", "faultline:step").with(STRING, "step").with(DEC, "result"));

    /** All types, each at the index that is its id. */
    public static final List<EventType> ALL = List.copyOf(LIST);

    private Events() {}

    private static EventType fault(String name) {
        return add(EventType.named("fault", name)
                .with(HEX, "address")
                .with(SYMBOL, "ip")
                .with(HEX, "error_code")
                .bit("present", 0)
                .bit("write", 1)
                .bit("user", 2)
                .bit("exec", 4)
                .with(STRING, "path")
                .with(STRING, "vma")
                .with(DEC, "major")
                .with(STRING, "result")
                .with(HEX, "pte_before", "pte_after")
                .with(NS, "mmap_lock_ns", "ptl_ns"));
    }

    private static EventType add(EventType.Builder builder) {
        EventType type = builder.build(LIST.size());
        LIST.add(type);
        return type;
    }
}
