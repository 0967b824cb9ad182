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
 *   <li>{@link #countdown}: a block hook that decrements the 64-bit counter at its user data and stops the engine once it
 *       is negative, before the block runs.
 *   <li>{@link #stopIfAsked}: a block hook that stops the engine when the word at its user data is not 0.
 *   <li>{@link #exitCheck}: see {@link ExitChecks}.
 * </ul>
 *
 * <p>Only x86-64 hosts whose kernel lets a page become executable have them; elsewhere {@link #get} answers null, and the
 * caller uses Java hooks instead.
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
    private static final byte[] COUNTDOWN =
            {0x48, (byte) 0xff, 0x09, 0x78, 0x01, (byte) 0xc3, (byte) 0xff, 0x25, 0, 0, 0, 0};

    /** {@code cmp dword [rcx],0; jne +1; ret; jmp [rip]} and the address to jump to. */
    private static final byte[] STOP_IF_ASKED =
            {(byte) 0x83, 0x39, 0, 0x75, 0x01, (byte) 0xc3, (byte) 0xff, 0x25, 0, 0, 0, 0};

    /**
     * {@code mov r11,&learned; mov rax,[r11]; test rax,rax; jz learn; cmp rax,[rsp]; jne out; jmp [original]; out: ret;
     * learn: mov rax,[rsp]; mov [r11],rax; jmp [original]}; zeros where addresses go.
     */
    private static final byte[] EXIT_CHECK = {
        0x49, (byte) 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x49, (byte) 0x8b, 0x03, 0x48, (byte) 0x85, (byte) 0xc0, 0x74, 0x0d,
        0x48, 0x3b, 0x04, 0x24, 0x75, 0x06, (byte) 0xff, 0x25, 14, 0, 0, 0, (byte) 0xc3, 0x48, (byte) 0x8b, 0x04, 0x24,
        0x49, (byte) 0x89, 0x03, (byte) 0xff, 0x25, 0, 0, 0, 0
    };

    private static final int COUNTDOWN_OFFSET = 64;
    private static final int STOP_IF_ASKED_OFFSET = 128;
    private static final int EXIT_CHECK_OFFSET = 192;
    private static final int EXIT_CHECK_LEARNED = 2;

    private static final NativeThunks INSTANCE = create();

    private final long base;
    /** Where the exit check keeps the return address of the call for a block's start. */
    private final MemorySegment learned = Arena.global().allocate(ValueLayout.JAVA_LONG);

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

    /** Address of the function that stands in for Unicorn's emitter of exit checks. */
    long exitCheck() {
        return base + EXIT_CHECK_OFFSET;
    }

    /** Completes {@link #exitCheck} with the function it stands in for; false when the page cannot be written any more. */
    boolean setExitCheck(long original) {
        if (!protect(base, PAGE, PROT_READ_WRITE)) {
            return false;
        }
        HostMemory.putLong(exitCheck() + EXIT_CHECK_LEARNED, learned.address());
        HostMemory.putLong(exitCheck() + EXIT_CHECK.length, original);
        return protect(base, PAGE, PROT_READ_EXEC);
    }

    /** Whether a block has been translated since {@link #setExitCheck}. */
    boolean hasLearnedExitCheck() {
        return learned.get(ValueLayout.JAVA_LONG, 0) != 0;
    }

    /** Changes the rights of host pages. */
    static boolean protect(long address, long bytes, int protection) {
        Linker linker = Linker.nativeLinker();
        try {
            return (int) linker.downcallHandle(linker.defaultLookup().findOrThrow("mprotect"), FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT))
                    .invokeExact(address, bytes, protection) == 0;
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
        MethodHandle mmap = linker.downcallHandle(linker.defaultLookup().findOrThrow("mmap"), FunctionDescriptor.of(
                ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
        try {
            long page = (long) mmap.invokeExact(0L, PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
            if (page == -1) {
                return null;
            }
            MemorySegment code = MemorySegment.ofAddress(page).reinterpret(PAGE, Arena.global(), null);
            write(code, 0, STOP_AND_FLAG);
            write(code, COUNTDOWN_OFFSET, COUNTDOWN);
            write(code, STOP_IF_ASKED_OFFSET, STOP_IF_ASKED);
            write(code, EXIT_CHECK_OFFSET, EXIT_CHECK);
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
