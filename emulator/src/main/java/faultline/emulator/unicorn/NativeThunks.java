package faultline.emulator.unicorn;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * A few tiny native callbacks, so that the hottest hooks need no call into Java.
 *
 * <ul>
 *   <li>{@link #stopAndFlag}: an instruction hook that stores 1 at its user data and stops the engine.
 *   <li>{@link #countdown}: a block hook that decrements the 64-bit counter at its user data and stops the engine once
 *   it
 *       is negative, before the block runs.
 *   <li>{@link #stopIfAsked}: a block hook that stops the engine when the word at its user data is not 0.
 *   <li>{@link #nothing}: for {@link ExitChecks}.
 * </ul>
 *
 * <p>Only x86-64 hosts whose kernel lets a page become executable have them; elsewhere {@link #get} answers null, and
 * the caller uses Java hooks instead.
 */
public final class NativeThunks {
    private static final long PAGE = 4096;
    static final int PROT_READ = 1;
    static final int PROT_READ_WRITE = 3;
    private static final int PROT_READ_EXEC = 5;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;

    /** {@code mov dword [rsi], 1; jmp [rip]} and the address to jump to. */
    private static final byte[] STOP_AND_FLAG = {(byte) 0xc7, 0x06, 1, 0, 0, 0, (byte) 0xff, 0x25, 0, 0, 0, 0};

    /** {@code dec qword [rcx]; js +1; ret; jmp [rip]} and the address to jump to. */
    private static final byte[] COUNTDOWN = {
        0x48, (byte) 0xff, 0x09, 0x78, 0x01, (byte) 0xc3, (byte) 0xff, 0x25, 0, 0, 0, 0
    };

    /** {@code cmp dword [rcx],0; jne +1; ret; jmp [rip]} and the address to jump to. */
    private static final byte[] STOP_IF_ASKED = {
        (byte) 0x83, 0x39, 0, 0x75, 0x01, (byte) 0xc3, (byte) 0xff, 0x25, 0, 0, 0, 0
    };

    /** {@code ret}. */
    private static final byte RETURN = (byte) 0xc3;

    private static final int COUNTDOWN_OFFSET = 64;
    private static final int STOP_IF_ASKED_OFFSET = 128;
    private static final int NOTHING_OFFSET = 192;

    private static final NativeThunks INSTANCE = create();

    private final long base;

    private NativeThunks(long base) {
        this.base = base;
    }

    /** The thunks of this process, or null where there cannot be any. */
    public static NativeThunks get() {
        return INSTANCE;
    }

    /** Address of {@code f(engine, int *flag)}: {@code *flag = 1; uc_emu_stop(engine)}. */
    public long stopAndFlag() {
        return base;
    }

    /** Address of {@code f(engine, address, size, long *counter)}: {@code if (--*counter < 0) uc_emu_stop(engine)}. */
    public long countdown() {
        return base + COUNTDOWN_OFFSET;
    }

    /** Address of {@code f(engine, address, size, int *asked)}: {@code if (*asked) uc_emu_stop(engine)}. */
    public long stopIfAsked() {
        return base + STOP_IF_ASKED_OFFSET;
    }

    /** Address of a function that does nothing. */
    long nothing() {
        return base + NOTHING_OFFSET;
    }

    /** Changes the rights of host pages. */
    static boolean protect(long address, long bytes, int protection) {
        Linker linker = Linker.nativeLinker();
        try {
            return (int) linker.downcallHandle(
                                    linker.defaultLookup().findOrThrow("mprotect"),
                                    FunctionDescriptor.of(
                                            ValueLayout.JAVA_INT,
                                            ValueLayout.JAVA_LONG,
                                            ValueLayout.JAVA_LONG,
                                            ValueLayout.JAVA_INT))
                            .invokeExact(address, bytes, protection)
                    == 0;
        } catch (Throwable e) {
            throw new IllegalStateException("mprotect", e);
        }
    }

    private static NativeThunks create() {
        String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        boolean linux = System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux");
        if (!linux || !(arch.equals("amd64") || arch.equals("x86_64"))) {
            return null;
        }
        Linker linker = Linker.nativeLinker();
        MethodHandle mmap = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("mmap"),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG));
        try {
            long page = (long) mmap.invokeExact(0L, PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
            if (page == -1) {
                return null;
            }
            MemorySegment code = MemorySegment.ofAddress(page).reinterpret(PAGE, Arena.global(), null);
            write(code, 0, STOP_AND_FLAG);
            write(code, COUNTDOWN_OFFSET, COUNTDOWN);
            write(code, STOP_IF_ASKED_OFFSET, STOP_IF_ASKED);
            code.set(ValueLayout.JAVA_BYTE, NOTHING_OFFSET, RETURN);
            // A hardened kernel (SELinux execmem) may refuse: then there are no thunks, and Java hooks do the work.
            return protect(page, PAGE, PROT_READ_EXEC) ? new NativeThunks(page) : null;
        } catch (Throwable e) {
            throw new IllegalStateException("native call", e);
        }
    }

    private static void write(MemorySegment page, long offset, byte[] code) {
        MemorySegment.copy(MemorySegment.ofArray(code), 0, page, offset, code.length);
        page.set(ValueLayout.JAVA_LONG_UNALIGNED, offset + code.length, Unicorn.stopFunction());
    }
}
