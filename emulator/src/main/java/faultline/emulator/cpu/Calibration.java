package faultline.emulator.cpu;

import static faultline.emulator.unicorn.UnicornConstants.UC_PROT_EXEC;
import static faultline.emulator.unicorn.UnicornConstants.UC_PROT_READ;

import faultline.emulator.unicorn.HostMemory;
import faultline.emulator.unicorn.Unicorn;
import faultline.emulator.unicorn.UnicornConstants;
import faultline.emulator.unicorn.UnicornContext;
import faultline.emulator.unicorn.UnicornLibrary;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Places inside Unicorn's own structures that no function tells, found by experiment once a process.
 *
 * <ul>
 *   <li>The exact address of a refused access: the fill hook gets the page only. Two misses at two magic addresses show
 *   which
 *       word of the engine's structure holds both in turn.
 *   <li>The vector that Unicorn remembers as an exception under way, and never forgets: a second exception would be
 *       delivered as a double fault, and a third would silently end the run. A divide error and a protection fault show
 *       which word of a saved context changes from -1 to 0 and to 13.
 * </ul>
 */
final class Calibration {
    private static final long MAGIC_ONE = 0x0000123456789abcL;
    private static final long MAGIC_TWO = 0x00002468ace02478L;
    private static final int VECTOR_DIVIDE = 0;
    private static final int VECTOR_PROTECTION = 13;

    private static Calibration instance;

    /** Offset of the exact address of a refused access from the engine's handle. */
    final long invalidAddress;
    /** Offset of the remembered vector in a context. */
    final long oldException;

    /** Where the integer registers are; null when they were not found, which only costs time. */
    final RegisterPlaces registers;

    private int vector = -1;

    /** The places in the library that is loaded. */
    static synchronized Calibration get() {
        if (instance == null) {
            instance = new Calibration();
        }
        return instance;
    }

    private Calibration() {
        try (Firmware firmware = new Firmware();
                Unicorn unicorn = new Unicorn()) {
            unicorn.setCpuModel(UnicornConstants.UC_CPU_X86_EPYC);
            unicorn.setTcgBufferSize(1 << 20);
            unicorn.useVirtualTlb();
            unicorn.mapMemory(Firmware.PHYSICAL, firmware.memory());
            unicorn.onTlbFill((address, kind, result) -> {
                boolean known = address >= Firmware.VIRTUAL && address < Firmware.VIRTUAL + Firmware.BYTES;
                if (known) {
                    Unicorn.answer(result, Firmware.physical(address), UC_PROT_READ | UC_PROT_EXEC);
                }
                return known;
            });
            unicorn.onInterrupt(raised -> {
                vector = raised;
                unicorn.stop();
            });
            oldException = findOldException(unicorn);
            invalidAddress = findInvalidAddress(unicorn);
            registers = RegisterPlaces.find(unicorn, usableSize(unicorn.handle()));
        }
    }

    private long findInvalidAddress(Unicorn unicorn) {
        long size = usableSize(unicorn.handle());
        load(unicorn, MAGIC_ONE);
        boolean[] candidate = new boolean[(int) (size / Long.BYTES)];
        for (int i = 0; i < candidate.length; i++) {
            candidate[i] = HostMemory.getLong(unicorn.handle() + (long) i * Long.BYTES) == MAGIC_ONE;
        }
        load(unicorn, MAGIC_TWO);
        for (int i = 0; i < candidate.length; i++) {
            if (candidate[i] && HostMemory.getLong(unicorn.handle() + (long) i * Long.BYTES) == MAGIC_TWO) {
                return (long) i * Long.BYTES;
            }
        }
        throw unknownLayout("the address of a page miss");
    }

    private static void load(Unicorn unicorn, long address) {
        unicorn.writeRegister(UnicornConstants.UC_X86_REG_RDI, address);
        unicorn.start(Firmware.LOAD);
    }

    private long findOldException(Unicorn unicorn) {
        try (UnicornContext pristine = unicorn.newContext();
                UnicornContext divide = unicorn.newContext();
                UnicornContext protection = unicorn.newContext()) {
            raise(unicorn, Firmware.DIVIDE, VECTOR_DIVIDE, divide);
            unicorn.restoreContext(pristine.address());
            raise(unicorn, Firmware.BAD_SELECTOR, VECTOR_PROTECTION, protection);
            unicorn.restoreContext(pristine.address());
            MemorySegment before = pristine.bytes();
            for (long at = before.byteSize() - Integer.BYTES; at >= 0; at -= Integer.BYTES) {
                if (before.get(ValueLayout.JAVA_INT, at) == -1
                        && divide.bytes().get(ValueLayout.JAVA_INT, at) == VECTOR_DIVIDE
                        && protection.bytes().get(ValueLayout.JAVA_INT, at) == VECTOR_PROTECTION) {
                    return at;
                }
            }
        }
        throw unknownLayout("the remembered exception");
    }

    private void raise(Unicorn unicorn, long code, int expected, UnicornContext after) {
        unicorn.start(code);
        if (vector != expected) {
            throw new IllegalStateException("libunicorn raised vector " + vector + " where " + expected + " was due");
        }
        unicorn.saveContext(after.address());
    }

    /** Bytes that may be read at an address that malloc returned. */
    private static long usableSize(long address) {
        Linker linker = Linker.nativeLinker();
        String name = System.getProperty("os.name").contains("Mac") ? "malloc_size" : "malloc_usable_size";
        try {
            return (long) linker.downcallHandle(
                            linker.defaultLookup().findOrThrow(name),
                            FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG))
                    .invokeExact(address);
        } catch (Throwable e) {
            throw new IllegalStateException(name, e);
        }
    }

    private static IllegalStateException unknownLayout(String what) {
        return new IllegalStateException("libunicorn " + UnicornLibrary.load().versionText() + " ("
                + UnicornLibrary.load().location() + "): " + what
                + " was not found in its structures; this build cannot be used");
    }
}
