package faultline.emulator.unicorn;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Lets a stop from another thread take effect between blocks only.
 *
 * <p>Unicorn 2.1.4 looks for a stop at the start of every block and after every memory access. In the second case it
 * goes back to the instruction whose access was just done and executes it again at the next start. For {@code inc [m]},
 * {@code xadd}, {@code xchg} and all others that read, change and write memory this does the change twice: measured,
 * one stop of four in a loop of {@code lock inc} counts one too many. Such a preempted program computes wrong results.
 *
 * <p>The check after an access is emitted by one function, {@code check_exit_request_x86_64}, that the translator calls
 * through the library's procedure linkage table; the check at the start of a block is not. (A third caller emits it
 * after code hooks, which we do not use.) Its slot there is pointed to a function that does nothing. Loads and stores
 * become faster by it, too. The slot is found by the ELF tables of the loaded library, so this works for any build that
 * exports the function.
 */
final class ExitChecks {
    private static final String FUNCTION = "check_exit_request_x86_64";

    // ELF64 tables: dynamic entries of 16 bytes, symbols and relocations of 24
    private static final int DYNAMIC_ENTRY = 16;
    private static final int SYMBOL = 24;
    private static final int RELOCATION = 24;
    private static final int PT_DYNAMIC = 2;
    private static final int PT_GNU_RELRO = 0x6474e552;
    private static final int P_VADDR = 0x10;
    private static final int P_MEMSZ = 0x28;
    private static final int DT_PLTRELSZ = 2;
    private static final int DT_STRTAB = 5;
    private static final int DT_SYMTAB = 6;
    private static final int DT_JMPREL = 23;

    private static final int PAGE = 4096;

    private static Boolean installed;

    private ExitChecks() {}

    /**
     * Installs the replacement, once a process, before the first engine is opened.
     *
     * @return whether stops are exact now; false where the library or the host does not allow it
     */
    static synchronized boolean install() {
        if (installed == null) {
            installed = NativeThunks.get() != null && replace();
        }
        return installed;
    }

    private static boolean replace() {
        long base = libraryBase();
        long slot = findSlot(base);
        if (slot == 0 || !NativeThunks.protect(slot & -PAGE, PAGE, NativeThunks.PROT_READ_WRITE)) {
            return false;
        }
        HostMemory.putLong(slot, NativeThunks.get().nothing());
        long relro = findSegment(base, PT_GNU_RELRO);
        boolean wasReadOnly = relro != 0
                && slot >= base + HostMemory.getLong(relro + P_VADDR)
                && slot < base + HostMemory.getLong(relro + P_VADDR) + HostMemory.getLong(relro + P_MEMSZ);
        return !wasReadOnly || NativeThunks.protect(slot & -PAGE, PAGE, NativeThunks.PROT_READ);
    }

    /** Where the library was loaded: its ELF header. */
    private static long libraryBase() {
        Linker linker = Linker.nativeLinker();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(4L * Long.BYTES, Long.BYTES);
            int found = (int) linker.downcallHandle(
                            linker.defaultLookup().findOrThrow("dladdr"),
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
                default -> {}
            }
        }
        for (long at = relocations; at < relocations + bytes; at += RELOCATION) {
            long symbol = symbols + (HostMemory.getLong(at + Long.BYTES) >>> 32) * SYMBOL;
            String name = MemorySegment.ofAddress(strings + Integer.toUnsignedLong(HostMemory.getInt(symbol)))
                    .reinterpret(256)
                    .getString(0);
            if (name.equals(FUNCTION)) {
                return base + HostMemory.getLong(at);
            }
        }
        return 0;
    }

    private static long findDynamic(long base) {
        long header = findSegment(base, PT_DYNAMIC);
        return header == 0 ? 0 : base + HostMemory.getLong(header + P_VADDR);
    }

    /** Address of the program header of a type, or 0. */
    private static long findSegment(long base, int type) {
        long headers = base + HostMemory.getLong(base + 0x20);
        int size = HostMemory.getInt(base + 0x36) & 0xffff;
        int count = HostMemory.getInt(base + 0x38) & 0xffff;
        for (int i = 0; i < count; i++) {
            if (HostMemory.getInt(headers + (long) i * size) == type) {
                return headers + (long) i * size;
            }
        }
        return 0;
    }
}
