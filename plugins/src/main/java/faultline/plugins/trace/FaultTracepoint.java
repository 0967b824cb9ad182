package faultline.plugins.trace;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.fault.FaultPath;
import faultline.mmu.fault.VmFault;
import faultline.mmu.file.MappedFile;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.guest.AddressSpaceView;
import faultline.plugins.guest.EmulatorGuest;
import faultline.plugins.weave.Hook;
import java.lang.invoke.MethodHandles;

/**
 * Page faults: one event for each that the guest's counters count, and for each that ends in a signal.
 *
 * <p>{@code do_user_addr_fault} is the fault as the architecture reports it; {@code handle_mm_fault} within it tells
 * the mapping and the entries, and without it is a fault that get_user_pages made. A fault that has to be tried again
 * from the outside (RETRY) was not counted and is no event; its next try is.
 */
final class FaultTracepoint extends Tracepoint {
    private final TraceThreads threads;
    private final EmulatorGuest guest;
    private final boolean stacks;
    private final int[] paths = new int[FaultPath.values().length];
    private final int done;
    private final int oom;
    private final int anon;
    private final int nowhere;

    /** @param stacks whether to take the guest's call stacks */
    FaultTracepoint(TraceThreads threads, EmulatorGuest guest, boolean stacks) {
        super(MethodHandles.lookup());
        this.threads = threads;
        this.guest = guest;
        this.stacks = stacks;
        for (FaultPath path : FaultPath.values()) {
            paths[path.ordinal()] = threads.strings().number(path.name().toLowerCase(java.util.Locale.ROOT));
        }
        done = threads.strings().number("done");
        oom = threads.strings().number("oom");
        anon = threads.strings().number(AddressSpaceView.ANON);
        nowhere = threads.strings().number("//unmapped");
        String outer = "do_user_addr_fault";
        on(outer, Hook.ENTRY, "begin", FaultHandler.class, MmStruct.class, long.class, int.class, FaultContext.class);
        on(outer, Hook.EXIT, "end", int.class);
        on(outer, Hook.THROWN, "abandon");
        String inner = "handle_mm_fault";
        on(
                inner,
                Hook.ENTRY,
                "handle",
                FaultHandler.class,
                MmStruct.class,
                Vma.class,
                long.class,
                int.class,
                FaultContext.class);
        on(inner, Hook.EXIT, "handled", int.class, FaultHandler.class);
        on(inner, Hook.THROWN, "abandonInner");
    }

    private void begin(FaultHandler handler, MmStruct mm, long address, int errorCode, FaultContext context) {
        ThreadTrace thread = threads.enter();
        ThreadTrace.FaultFrame fault = thread == null ? null : thread.beginFault();
        if (fault != null) {
            open(thread, fault, mm, address, errorCode, context, true);
        }
    }

    private void open(
            ThreadTrace thread,
            ThreadTrace.FaultFrame fault,
            MmStruct mm,
            long address,
            int code,
            FaultContext context,
            boolean reported) {
        fault.begin = thread.tick(threads.session());
        fault.mm = mm;
        fault.address = address;
        fault.errorCode = code;
        fault.context = context;
        fault.reported = reported;
        fault.vmaName = nowhere;
    }

    private void handle(FaultHandler handler, MmStruct mm, Vma vma, long address, int flags, FaultContext context) {
        ThreadTrace thread = threads.enter();
        if (thread == null) {
            return;
        }
        ThreadTrace.FaultFrame fault = thread.fault;
        if (fault == null || !fault.reported) {
            fault = thread.beginFault();
            if (fault == null) {
                return;
            }
            open(thread, fault, mm, address, (flags & 1) << 1, context, false);
        }
        thread.busy = true;
        fault.vmaName = name(vma);
        fault.pteBefore = AddressSpaceView.pte(handler.env().tables(), mm, address);
        thread.busy = false;
    }

    private int name(Vma vma) {
        MappedFile file = vma.file();
        return file == null && vma.mm().startBrk() == 0
                ? anon
                : threads.strings().number(AddressSpaceView.name(vma));
    }

    private void handled(int result, FaultHandler handler) {
        ThreadTrace thread = threads.enter();
        ThreadTrace.FaultFrame fault = thread == null ? null : thread.fault;
        if (fault == null) {
            return;
        }
        thread.busy = true;
        fault.pteAfter = AddressSpaceView.pte(handler.env().tables(), fault.mm, fault.address);
        if (fault.reported) {
            noteCode(thread, handler, fault);
        }
        thread.busy = false;
        if (!fault.reported) {
            thread.endFault();
            if ((result & VmFault.RETRY) == 0) {
                emit(
                        thread,
                        fault,
                        (result & VmFault.ERROR) == 0
                                ? done
                                : (result & VmFault.OOM) != 0
                                        ? oom
                                        : threads.strings().number("EFAULT"));
            }
        }
    }

    /**
     * Learns which file the code belongs to, while the mmap lock is held; mostly it is the page of the fault before.
     */
    private void noteCode(ThreadTrace thread, FaultHandler handler, ThreadTrace.FaultFrame fault) {
        long ip = fault.context.ip;
        if (ip >>> 12 != thread.codePage || fault.mm != thread.codeSpace) {
            thread.codePage = ip >>> 12;
            thread.codeSpace = fault.mm;
            guest.noteModule(fault.mm, threads.guest().pid(), ip);
        }
        if (stacks) {
            fault.stack = guest.takeStack(handler.env(), fault.mm, fault.context);
        }
    }

    private void end(int result) {
        ThreadTrace thread = threads.enter();
        ThreadTrace.FaultFrame fault = thread == null ? null : thread.fault;
        if (fault == null) {
            return;
        }
        thread.endFault();
        switch (result) {
            case FaultHandler.FAULT_RETRY -> {}
            case FaultHandler.FAULT_DONE -> emit(thread, fault, done);
            case FaultHandler.FAULT_OOM -> emit(thread, fault, oom);
            default ->
                emit(
                        thread,
                        fault,
                        threads.strings().number(fault.context.siSigno == FaultHandler.SIGBUS ? "SIGBUS" : "SIGSEGV"));
        }
    }

    private void emit(ThreadTrace thread, ThreadTrace.FaultFrame fault, int result) {
        FaultContext context = fault.context;
        boolean user = (fault.errorCode & FaultHandler.PF_USER) != 0;
        EventType type = user ? Events.FAULT_USER : Events.FAULT_KERNEL;
        if (!threads.wants(type)) {
            return;
        }
        long now = thread.tick(threads.session());
        long[] record = threads.record(thread, type, now, now - fault.begin);
        record[EventType.STACK] = fault.stack;
        int at = EventType.FIRST;
        record[at++] = fault.address;
        record[at++] = context.ip;
        record[at++] = fault.errorCode;
        record[at++] = paths[context.path.ordinal()];
        record[at++] = fault.vmaName;
        record[at++] = context.major ? 1 : 0;
        record[at++] = result;
        record[at++] = fault.pteBefore;
        record[at++] = fault.pteAfter;
        record[at++] = fault.mmapLockNanos;
        record[at] = fault.ptlNanos;
        threads.emit(thread);
    }

    private void abandon() {
        ThreadTrace thread = threads.enter();
        if (thread != null && thread.fault != null) {
            thread.endFault();
        }
    }

    private void abandonInner() {
        ThreadTrace thread = threads.enter();
        if (thread != null && thread.fault != null && !thread.fault.reported) {
            thread.endFault();
        }
    }
}
