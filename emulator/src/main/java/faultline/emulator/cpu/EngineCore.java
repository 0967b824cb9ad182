package faultline.emulator.cpu;

import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_CR0;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_CR4;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_CS;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_FPCW;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_FPTAG;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_MXCSR;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_R8;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_RCX;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_RFLAGS;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_RIP;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_RSI;

import faultline.emulator.unicorn.HostMemory;
import faultline.emulator.unicorn.NativeThunks;
import faultline.emulator.unicorn.Unicorn;
import faultline.emulator.unicorn.UnicornConstants;
import faultline.emulator.unicorn.UnicornContext;
import faultline.mmu.fault.FaultContext;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * One Unicorn engine set up as a processor that runs user code, and what its parts share: phase, reason of the last
 * stop, pending flushes.
 *
 * <p>Set-up: EPYC without AVX, virtual TLB, guest RAM at physical 0, SSE and FPU as Linux starts a program, and
 * privilege level 3. Unicorn has no call for the latter (writing CS changes nothing but CS), so {@code sysretq} is
 * executed once and the registers after it are kept as the template of every task.
 */
final class EngineCore implements AutoCloseable {
    /** Not running. */
    static final int IDLE = 0;
    /** Guest instructions may be executed at any moment. */
    static final int GUEST = 1;
    /** Inside the fill hook in a page fault; pending flushes are served before guest code goes on. */
    static final int KERNEL = 2;

    private static final VarHandle PHASE;

    private static final int MSR_EFER = 0xc0000080;
    private static final int MSR_STAR = 0xc0000081;
    private static final long EFER_SCE = 1;
    /** Kernel code segment 0x10 and the base of the user segments, 0x23: Linux's numbers. */
    private static final long STAR = 0x23L << 48 | 0x10L << 32;

    private static final long USER_CS = 0x33;
    /** Monitor coprocessor and native x87 errors. */
    private static final long CR0_BITS = 0x22;
    /** OSFXSR, OSXMMEXCPT, FSGSBASE, OSXSAVE. */
    private static final long CR4_BITS = 0x50600;

    private static final long USER_RFLAGS = 0x202;
    /** Where {@code sysretq} goes; the fetch is refused, which stops the engine at level 3. */
    private static final long NOWHERE = 0x1000;

    static {
        try {
            PHASE = MethodHandles.lookup().findVarHandle(EngineCore.class, "phase", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final int id;
    final Unicorn unicorn = new Unicorn();
    final Firmware firmware = new Firmware();
    final Calibration calibration = Calibration.get();
    final RegisterFile registers;
    final FlushQueue queue = new FlushQueue();
    final TlbModel tlb = new TlbModel();
    final CpuStats stats = new CpuStats();
    final MemorySegment ram;
    final CpuOptions options;
    final Cpuid cpuid;

    private final UnicornContext kernelContext;
    private final UnicornContext scratchContext;
    private final UnicornContext template;

    @SuppressWarnings("unused") // written through PHASE
    private volatile int phase;

    /**
     * Address of a word that a hook of every block looks at, where Unicorn's own check is inexact and cannot be mended;
     * slower by a third in small loops. Else 0.
     */
    private final long asked;

    private final Arena arena = Arena.ofShared();

    /** Whether the fill hook answers the firmware's addresses. */
    boolean inFirmware;
    /** Whether one instruction at a time is run to replay a block. */
    boolean stepping;
    /** The address space, and the fault cursor of the running task. */
    GuestMemory memory;

    FaultContext context;
    StopReason reason = StopReason.NONE;
    int vector;
    /** The code bytes last read by {@link #readCode}. */
    final byte[] code = new byte[RmwDecoder.MAX_LENGTH];

    EngineCore(int id, MemorySegment ram, CpuOptions options) {
        this.id = id;
        this.ram = ram;
        this.options = options;
        unicorn.setCpuModel(UnicornConstants.UC_CPU_X86_EPYC);
        unicorn.setTcgBufferSize(options.codeBufferBytes());
        unicorn.useVirtualTlb();
        unicorn.mapMemory(0, ram);
        unicorn.mapMemory(Firmware.PHYSICAL, firmware.memory());
        TlbFiller filler = new TlbFiller(this);
        unicorn.onTlbFill(filler::fill);
        this.filler = filler;
        unicorn.writeRegister(UC_X86_REG_CR0, unicorn.readRegister(UC_X86_REG_CR0) | CR0_BITS);
        unicorn.writeRegister(UC_X86_REG_CR4, unicorn.readRegister(UC_X86_REG_CR4) | CR4_BITS);
        inFirmware = true;
        cpuid = new Cpuid(unicorn, options.deterministic());
        unicorn.writeRegister(UC_X86_REG_RSI, Firmware.PAGE_LIST);
        registers = new RegisterFile(unicorn, calibration.registers);
        kernelContext = unicorn.newContext();
        scratchContext = unicorn.newContext();
        enterUserLevel();
        template = unicorn.newContext();
        inFirmware = false;
        asked = Unicorn.stopsAreExact() || NativeThunks.get() == null
                ? 0
                : arena.allocate(Long.BYTES, Long.BYTES).address();
        if (asked != 0) {
            unicorn.onBlock(NativeThunks.get().stopIfAsked(), asked);
            unicorn.flushTranslations();
        }
    }

    final TlbFiller filler;

    private void enterUserLevel() {
        unicorn.writeMsr(MSR_EFER, unicorn.readMsr(MSR_EFER) | EFER_SCE);
        unicorn.writeMsr(MSR_STAR, STAR);
        unicorn.writeRegister(UC_X86_REG_RCX, NOWHERE);
        unicorn.writeRegister(UC_X86_REG_R8 + 3, USER_RFLAGS);
        int result = unicorn.start(Firmware.SYSRET);
        if (result != UnicornConstants.UC_ERR_EXCEPTION || unicorn.readRegister(UC_X86_REG_CS) != USER_CS) {
            throw new IllegalStateException("libunicorn did not enter privilege level 3: "
                    + Unicorn.error(result).getMessage());
        }
        unicorn.writeRegister(UC_X86_REG_RFLAGS, USER_RFLAGS);
        unicorn.writeRegister(UC_X86_REG_RCX, 0);
        unicorn.writeRegister(UC_X86_REG_RSI, 0);
        unicorn.writeRegister(UC_X86_REG_R8 + 3, 0);
        unicorn.writeRegister(UC_X86_REG_MXCSR, 0x1f80);
        unicorn.writeRegister(UC_X86_REG_FPCW, 0x37f);
        unicorn.writeRegister(UC_X86_REG_FPTAG, 0xffff);
    }

    /** Registers at level 3 of a program that has not begun. */
    MemorySegment template() {
        return template.bytes();
    }

    int phase() {
        return (int) PHASE.getVolatile(this);
    }

    /** Guest code may run from now on; the caller then looks at the queue, in this order. */
    void enterGuest() {
        PHASE.setVolatile(this, GUEST);
    }

    void leaveGuest(int to) {
        PHASE.setRelease(this, to);
    }

    /** Stops guest code before its next block; from any thread. May be lost before a start: repeat it. */
    void stopFromOutside() {
        if (asked == 0) {
            unicorn.stop();
        } else {
            HostMemory.putInt(asked, 1);
        }
    }

    /** Runs guest code; forgets stops that came before. */
    int start(long rip) {
        if (asked != 0) {
            HostMemory.putInt(asked, 0);
        }
        return unicorn.start(rip);
    }

    long rip() {
        return unicorn.readRegister(UC_X86_REG_RIP);
    }

    /** The exact address of the access that was refused last. */
    long refusedAddress() {
        return HostMemory.getLong(unicorn.handle() + calibration.invalidAddress);
    }

    /** Makes Unicorn forget that an exception happened, else the next one comes as a double fault. */
    void forgetException() {
        long blob = scratchContext.address();
        unicorn.saveContext(blob);
        HostMemory.putInt(blob + calibration.oldException, -1);
        unicorn.restoreContext(blob);
    }

    void saveScratch() {
        unicorn.saveContext(scratchContext.address());
    }

    void restoreScratch() {
        unicorn.restoreContext(scratchContext.address());
    }

    /** Registers are put away, and the engine is at privilege level 0, until {@link #endKernel}. */
    void beginKernel() {
        unicorn.saveContext(scratchContext.address());
        unicorn.restoreContext(kernelContext.address());
        inFirmware = true;
    }

    void endKernel() {
        inFirmware = false;
        unicorn.restoreContext(scratchContext.address());
    }

    /**
     * Flushes the first {@code count} pages of the firmware's list. Between beginKernel and endKernel.
     *
     * @return false when a stop from another thread came between: some pages are not flushed
     */
    boolean invalidatePages(int count) {
        unicorn.writeRegister(UC_X86_REG_RCX, count);
        unicorn.writeRegister(UC_X86_REG_RSI, Firmware.PAGE_LIST); // an earlier full list has moved it behind its end
        int result = unicorn.start(Firmware.INVLPG);
        if (result != UnicornConstants.UC_ERR_OK) {
            throw Unicorn.error(result);
        }
        return (int) unicorn.readRegister(UC_X86_REG_RCX) == 0;
    }

    /** Forgets code translated from a frame; leaves a TLB entry of the window at the current privilege level. */
    void removeTranslations(long pfn) {
        boolean before = inFirmware;
        inFirmware = true;
        long window = Firmware.WINDOW + pfn * Firmware.PAGE;
        unicorn.removeTranslations(window, window + Firmware.PAGE);
        inFirmware = before;
        stats.codeInvalidations++;
    }

    void flushTlb() {
        unicorn.flushTlb();
        tlb.flushed();
    }

    /**
     * Copies the instruction at {@code address} to {@link #code}, as far as it can be fetched; the bytes. In phase
     * GUEST.
     */
    int readCode(long address) {
        int length = 0;
        long entry = 0;
        for (; length < code.length; length++) {
            long at = address + length;
            if (length == 0 || (at & Firmware.PAGE - 1) == 0) {
                entry = memory.walk(at, GuestMemory.FETCH);
                if (GuestMemory.isMiss(entry)) {
                    break;
                }
            }
            code[length] =
                    HostMemory.getByte(ram.address() + (entry & TlbFiller.FRAME_MASK) + (at & Firmware.PAGE - 1));
        }
        return length;
    }

    @Override
    public void close() {
        kernelContext.close();
        scratchContext.close();
        template.close();
        unicorn.close();
        firmware.close();
        arena.close();
    }
}
