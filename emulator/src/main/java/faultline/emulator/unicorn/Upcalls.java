package faultline.emulator.unicorn;

import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Makes C function pointers of the hooks of one engine, and keeps every exception away from the native caller.
 *
 * <p>An exception that left a callback would end the JVM. Here it is handed to {@link Unicorn#failed} and the callback
 * answers "no": the CPU stops, and the thread that runs it gets the exception from {@link Unicorn#start}.
 */
final class Upcalls {
    private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();
    private static final FunctionDescriptor TLB_FILL =
            FunctionDescriptor.of(JAVA_BOOLEAN, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final FunctionDescriptor INTERRUPT = FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_INT, JAVA_LONG);
    private static final FunctionDescriptor INSTRUCTION = FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final FunctionDescriptor PORT_IN =
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final FunctionDescriptor PORT_OUT =
            FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);

    private static final MethodHandle RUN_TLB_FILL = find("runTlbFill", TlbFillHook.class, TLB_FILL);
    private static final MethodHandle RUN_INTERRUPT = find("runInterrupt", InterruptHook.class, INTERRUPT);
    private static final MethodHandle RUN_INSTRUCTION = find("runInstruction", InstructionHook.class, INSTRUCTION);
    private static final MethodHandle RUN_PORT_IN = find("runPortIn", PortHook.class, PORT_IN);
    private static final MethodHandle RUN_PORT_OUT = find("runPortOut", PortHook.class, PORT_OUT);

    private final Unicorn engine;
    private final Arena arena;

    Upcalls(Unicorn engine, Arena arena) {
        this.engine = engine;
        this.arena = arena;
    }

    private static MethodHandle find(String name, Class<?> hook, FunctionDescriptor function) {
        try {
            MethodType type = function.toMethodType().insertParameterTypes(0, hook);
            return LOOKUP.findVirtual(Upcalls.class, name, type);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private long stub(MethodHandle target, Object hook, FunctionDescriptor function) {
        MethodHandle bound = MethodHandles.insertArguments(target, 0, this, hook);
        return Linker.nativeLinker().upcallStub(bound, function, arena).address();
    }

    long tlbFill(TlbFillHook hook) {
        return stub(RUN_TLB_FILL, hook, TLB_FILL);
    }

    long interrupt(InterruptHook hook) {
        return stub(RUN_INTERRUPT, hook, INTERRUPT);
    }

    long instruction(InstructionHook hook) {
        return stub(RUN_INSTRUCTION, hook, INSTRUCTION);
    }

    long portIn(PortHook hook) {
        return stub(RUN_PORT_IN, hook, PORT_IN);
    }

    long portOut(PortHook hook) {
        return stub(RUN_PORT_OUT, hook, PORT_OUT);
    }

    private boolean runTlbFill(TlbFillHook hook, long uc, long address, int kind, long result, long userData) {
        try {
            return hook.fill(address, kind, result);
        } catch (Throwable t) {
            engine.failed(t);
            return false;
        }
    }

    private void runInterrupt(InterruptHook hook, long uc, int vector, long userData) {
        try {
            hook.interrupt(vector);
        } catch (Throwable t) {
            engine.failed(t);
        }
    }

    private int runInstruction(InstructionHook hook, long uc, long userData) {
        try {
            return hook.execute() ? 1 : 0;
        } catch (Throwable t) {
            engine.failed(t);
            return 0;
        }
    }

    private int runPortIn(PortHook hook, long uc, int port, int size, long userData) {
        try {
            hook.access(port, size);
        } catch (Throwable t) {
            engine.failed(t);
        }
        return 0;
    }

    private void runPortOut(PortHook hook, long uc, int port, int size, int value, long userData) {
        try {
            hook.access(port, size);
        } catch (Throwable t) {
            engine.failed(t);
        }
    }
}
