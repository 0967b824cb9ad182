package faultline.emulator.unicorn;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Lets a stop from another thread take effect between blocks only.
 *
 * <p>Unicorn 2.1.4 looks for a stop at the start of every block and after every memory access. In the second case it goes back
 * to the instruction whose access was just done and executes it again at the next start. For {@code inc [m]},
 * {@code xadd}, {@code xchg} and all others that read, change and write memory this does the change twice: measured, one stop of
 * four in a loop of {@code lock inc} counts one too many. Such a preempted program computes wrong results.
 *
 * <p>The check is emitted by one function, {@code check_exit_request_x86_64}, that the translator calls through the
 * library's procedure linkage table. Its slot there is replaced by a few instructions that call the function for the
 * start of a block, told by the return address, and do nothing after memory accesses. Loads and stores become faster by it,
 * too. The slot is found by the ELF tables of the loaded library, the return address by translating a block without memory
 * accesses; both work for any build that exports the function.
 */
final class ExitChecks {
    private static final String FUNCTION = "check_exit_request_x86_64";

    // ELF64 tables: dynamic entries of 16 bytes, symbols and relocations of 24
    private static final int DYNAMIC_ENTRY = 16;
    private static final int SYMBOL = 24;
    private static final int RELOCATION = 24;
    private static final int PT_DYNAMIC = 2;
    private static final int DT_PLTRELSZ = 2;
    private static final int DT_STRTAB = 5;
    private static final int DT_SYMTAB = 6;
    private static final int DT_JMPREL = 23;

    private static final int PAGE = 4096;
    private static final int UC_PROT_ALL = 7;

    private static Boolean installed;

    private ExitChecks() {}

    /**
     * Installs the replacement, once a process, before the first engine is opened.
     *
     * @return whether stops are exact now; false where the library or the host does not allow it
     */
    static synchronized boolean install() {
        if (installed == null) {
            installed = false; // for the engine that replace() itself opens
            installed = NativeThunks.get() != null && replace();
        }
        return installed;
    }

    private static boolean replace() {
        long slot = findSlot(libraryBase());
        if (slot == 0) {
            return false;
        }
        long original = HostMemory.getLong(slot);
        NativeThunks thunks = NativeThunks.get();
        if (!thunks.setExitCheck(original) || !NativeThunks.protect(slot & -PAGE, PAGE, NativeThunks.PROT_READ_WRITE)) {
            return false;
        }
        HostMemory.putLong(slot, thunks.exitCheck());
        NativeThunks.protect(slot & -PAGE, PAGE, NativeThunks.PROT_READ);
        translateOneBlock();
        return thunks.hasLearnedExitCheck();
    }

    /** Translates {@code nop; hlt}: the only check in it is the one at its start. */
    private static void translateOneBlock() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment code = arena.allocate(PAGE, PAGE);
            code.set(ValueLayout.JAVA_SHORT, 0, (short) 0xf490);
            try (Unicorn unicorn = new Unicorn()) {
                unicorn.setTcgBufferSize(1 << 20);
                UnicornApi.memMapPtr(unicorn.handle(), PAGE, PAGE, UC_PROT_ALL, code.address());
                unicorn.start(PAGE);
            }
        }
    }

    /** Where the library was loaded: its ELF header. */
    private static long libraryBase() {
        Linker linker = Linker.nativeLinker();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(4L * Long.BYTES, Long.BYTES);
            int found = (int) linker.downcallHandle(linker.defaultLookup().findOrThrow("dladdr"),
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG))
                    .invokeExact(Unicorn.stopFunction(), info.address());
            return found == 0 ? 0 : info.get(ValueLayout.JAVA_LONG, Long.BYTES);
        } catch (Throwable e) {
            throw new IllegalStateException("dladdr", e);
        }
    }

    /** The function's slot in the procedure linkage table, or 0. The tables are those in memory, already relocated. */
    private static long findSlot(long base) {
        if (base == 0 || HostMemory.getInt(base) != 0x464c457f) {
            return 0;
        }
        long dynamic = findDynamic(base);
        long strings = 0;
        long symbols = 0;
        long relocations = 0;
        long bytes = 0;
        for (long at = dynamic; at != 0 && HostMemory.getLong(at) != 0; at += DYNAMIC_ENTRY) {
            long value = HostMemory.getLong(at + Long.BYTES);
            switch ((int) HostMemory.getLong(at)) {
                case DT_STRTAB -> strings = value;
                case DT_SYMTAB -> symbols = value;
                case DT_JMPREL -> relocations = value;
                case DT_PLTRELSZ -> bytes = value;
                default -> { }
            }
        }
        for (long at = relocations; at < relocations + bytes; at += RELOCATION) {
            long symbol = symbols + (HostMemory.getLong(at + Long.BYTES) >>> 32) * SYMBOL;
            String name = MemorySegment.ofAddress(strings + Integer.toUnsignedLong(HostMemory.getInt(symbol)))
                    .reinterpret(256).getString(0);
            if (name.equals(FUNCTION)) {
                return base + HostMemory.getLong(at);
            }
        }
        return 0;
    }

    private static long findDynamic(long base) {
        long headers = base + HostMemory.getLong(base + 0x20);
        int size = HostMemory.getInt(base + 0x36) & 0xffff;
        int count = HostMemory.getInt(base + 0x38) & 0xffff;
        for (int i = 0; i < count; i++) {
            if (HostMemory.getInt(headers + (long) i * size) == PT_DYNAMIC) {
                return base + HostMemory.getLong(headers + (long) i * size + 0x10);
            }
        }
        return 0;
    }
}
