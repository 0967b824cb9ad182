package faultline.emulator.unicorn;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The C functions, one method each, with pointers as {@code long}s. Results are {@code uc_err} numbers.
 *
 * <p>The handles are static finals, because only those are inlined by the compiler. Load the library through
 * {@link UnicornLibrary#load()} before touching this class, so that a missing library is told in its own words and not
 * as a failed class initialisation.
 */
final class UnicornApi {
    private static final UnicornLibrary LIBRARY = UnicornLibrary.load();
    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option CRITICAL = Linker.Option.critical(false);

    private static final MethodHandle OPEN = link("uc_open", JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle CLOSE = link("uc_close", JAVA_LONG);
    private static final MethodHandle STRERROR =
            LINKER.downcallHandle(LIBRARY.function("uc_strerror"), FunctionDescriptor.of(JAVA_LONG, JAVA_INT));
    private static final MethodHandle MEM_MAP_PTR =
            link("uc_mem_map_ptr", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG);
    private static final MethodHandle MEM_UNMAP = link("uc_mem_unmap", JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle EMU_START =
            link("uc_emu_start", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle EMU_STOP = critical("uc_emu_stop", JAVA_LONG);
    private static final MethodHandle REG_READ = critical("uc_reg_read", JAVA_LONG, JAVA_INT, JAVA_LONG);
    private static final MethodHandle REG_WRITE = critical("uc_reg_write", JAVA_LONG, JAVA_INT, JAVA_LONG);
    private static final MethodHandle REG_READ_BATCH =
            critical("uc_reg_read_batch", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle REG_WRITE_BATCH =
            critical("uc_reg_write_batch", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle CONTEXT_ALLOC = link("uc_context_alloc", JAVA_LONG, JAVA_LONG);
    private static final MethodHandle CONTEXT_FREE = link("uc_context_free", JAVA_LONG);
    private static final MethodHandle CONTEXT_SAVE = critical("uc_context_save", JAVA_LONG, JAVA_LONG);
    private static final MethodHandle CONTEXT_RESTORE = critical("uc_context_restore", JAVA_LONG, JAVA_LONG);
    private static final MethodHandle CONTEXT_SIZE =
            LINKER.downcallHandle(LIBRARY.function("uc_context_size"), FunctionDescriptor.of(JAVA_LONG, JAVA_LONG));
    private static final MethodHandle CONTEXT_REG_READ_BATCH =
            critical("uc_context_reg_read_batch", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle CONTEXT_REG_WRITE_BATCH =
            critical("uc_context_reg_write_batch", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle HOOK_ADD = LINKER.downcallHandle(
            LIBRARY.function("uc_hook_add"),
            FunctionDescriptor.of(
                    JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT),
            Linker.Option.firstVariadicArg(7));
    private static final MethodHandle CTL0 = LINKER.downcallHandle(
            LIBRARY.function("uc_ctl"),
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT),
            Linker.Option.firstVariadicArg(2),
            CRITICAL);
    private static final MethodHandle CTL1_INT = LINKER.downcallHandle(
            LIBRARY.function("uc_ctl"),
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT),
            Linker.Option.firstVariadicArg(2));
    private static final MethodHandle CTL1_POINTER = LINKER.downcallHandle(
            LIBRARY.function("uc_ctl"),
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG),
            Linker.Option.firstVariadicArg(2));
    private static final MethodHandle CTL2 = LINKER.downcallHandle(
            LIBRARY.function("uc_ctl"),
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG),
            Linker.Option.firstVariadicArg(2));

    private UnicornApi() {}

    private static MethodHandle link(String name, MemoryLayout... arguments) {
        return LINKER.downcallHandle(LIBRARY.function(name), FunctionDescriptor.of(JAVA_INT, arguments));
    }

    /** Links a short function that never calls back: the thread stays visible to the garbage collector as running. */
    private static MethodHandle critical(String name, MemoryLayout... arguments) {
        return LINKER.downcallHandle(LIBRARY.function(name), FunctionDescriptor.of(JAVA_INT, arguments), CRITICAL);
    }

    private static RuntimeException impossible(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return new IllegalStateException("native call", e);
    }

    /** {@code uc_open(arch, mode, &engine)}. */
    static int open(int arch, int mode, long result) {
        try {
            return (int) OPEN.invokeExact(arch, mode, result);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_close(engine)}. */
    static int close(long uc) {
        try {
            return (int) CLOSE.invokeExact(uc);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_strerror(code)}. */
    static String strerror(int code) {
        try {
            long text = (long) STRERROR.invokeExact(code);
            return text == 0
                    ? "unknown error"
                    : MemorySegment.ofAddress(text).reinterpret(256).getString(0);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_mem_map_ptr(engine, guest-physical address, bytes, UC_PROT_*, host address)}. */
    static int memMapPtr(long uc, long address, long size, int perms, long host) {
        try {
            return (int) MEM_MAP_PTR.invokeExact(uc, address, size, perms, host);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_mem_unmap(engine, guest-physical address, bytes)}. */
    static int memUnmap(long uc, long address, long size) {
        try {
            return (int) MEM_UNMAP.invokeExact(uc, address, size);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_emu_start(engine, begin, 0, 0, 0)}: end address, timeout and instruction count all have traps. */
    static int emuStart(long uc, long begin) {
        try {
            return (int) EMU_START.invokeExact(uc, begin, 0L, 0L, 0L);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_emu_stop(engine)}. */
    static int emuStop(long uc) {
        try {
            return (int) EMU_STOP.invokeExact(uc);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_reg_read(engine, register, &value)}. */
    static int regRead(long uc, int register, long value) {
        try {
            return (int) REG_READ.invokeExact(uc, register, value);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_reg_write(engine, register, &value)}. */
    static int regWrite(long uc, int register, long value) {
        try {
            return (int) REG_WRITE.invokeExact(uc, register, value);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_reg_read_batch(engine, ids, pointers, count)}. */
    static int regReadBatch(long uc, long ids, long values, int count) {
        try {
            return (int) REG_READ_BATCH.invokeExact(uc, ids, values, count);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_reg_write_batch(engine, ids, pointers, count)}. */
    static int regWriteBatch(long uc, long ids, long values, int count) {
        try {
            return (int) REG_WRITE_BATCH.invokeExact(uc, ids, values, count);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_context_alloc(engine, &context)}. */
    static int contextAlloc(long uc, long result) {
        try {
            return (int) CONTEXT_ALLOC.invokeExact(uc, result);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_context_free(context)}. */
    static int contextFree(long context) {
        try {
            return (int) CONTEXT_FREE.invokeExact(context);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_context_save(engine, context)}. */
    static int contextSave(long uc, long context) {
        try {
            return (int) CONTEXT_SAVE.invokeExact(uc, context);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_context_restore(engine, context)}. */
    static int contextRestore(long uc, long context) {
        try {
            return (int) CONTEXT_RESTORE.invokeExact(uc, context);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_context_size(engine)}: bytes of one context, its header included. */
    static long contextSize(long uc) {
        try {
            return (long) CONTEXT_SIZE.invokeExact(uc);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_context_reg_read_batch(context, ids, pointers, count)}. */
    static int contextRegReadBatch(long context, long ids, long values, int count) {
        try {
            return (int) CONTEXT_REG_READ_BATCH.invokeExact(context, ids, values, count);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_context_reg_write_batch(context, ids, pointers, count)}. */
    static int contextRegWriteBatch(long context, long ids, long values, int count) {
        try {
            return (int) CONTEXT_REG_WRITE_BATCH.invokeExact(context, ids, values, count);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_hook_add(engine, &hook, type, callback, userData, begin, end, instruction)}. */
    static int hookAdd(
            long uc, long result, int type, long callback, long userData, long begin, long end, int instruction) {
        try {
            return (int) HOOK_ADD.invokeExact(uc, result, type, callback, userData, begin, end, instruction);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_ctl(engine, request)}; for the flushes, which never call back. */
    static int ctl(long uc, int request) {
        try {
            return (int) CTL0.invokeExact(uc, request);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_ctl(engine, request, int)}. */
    static int ctl(long uc, int request, int argument) {
        try {
            return (int) CTL1_INT.invokeExact(uc, request, argument);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_ctl(engine, request, pointer)}. */
    static int ctlPointer(long uc, int request, long pointer) {
        try {
            return (int) CTL1_POINTER.invokeExact(uc, request, pointer);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** {@code uc_ctl(engine, request, long, long)}; may fill the TLB, so it may call back. */
    static int ctl(long uc, int request, long first, long second) {
        try {
            return (int) CTL2.invokeExact(uc, request, first, second);
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** The address of {@code uc_emu_stop}, which fits as callback of an instruction hook. */
    static long emuStopAddress() {
        return LIBRARY.function("uc_emu_stop").address();
    }
}
