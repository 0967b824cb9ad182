package faultline.emulator.cpu;

import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_RFLAGS;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_RSP;

import faultline.emulator.unicorn.HostMemory;

/**
 * Runs a block one instruction at a time, because it wanted to fetch a missing page before its first instruction had
 * run.
 *
 * <p>With the trap flag a block holds one instruction, so the page is asked for only when the program gets there, with
 * the instruction pointer exact. The block has no branch before the page's end, so a few hundred steps of 0.1 µs are
 * the most. The program does not see the flag: it is taken out of RFLAGS after each step, and out of what {@code pushf}
 * wrote. Other instructions that show it (syscall, int, popf, iret) end a block.
 */
final class BlockReplay {
    private static final long TRAP_FLAG = 0x100;
    private static final long PAGE_MASK = -4096L;

    private final EngineCore core;

    BlockReplay(EngineCore core) {
        this.core = core;
    }

    /**
     * Steps from {@code rip} until another page is reached or something else stops the CPU. In phase GUEST.
     *
     * @return false when the last start ended for another reason than the step: {@code core.reason} and {@link #result}
     *     tell
     */
    boolean run(long rip) {
        core.stats.earlyFetches++;
        core.stepping = true;
        try {
            long at = rip;
            while ((at & PAGE_MASK) == (rip & PAGE_MASK)) {
                if (!step(at)) {
                    return false;
                }
                at = core.rip();
            }
            return true;
        } finally {
            core.stepping = false;
        }
    }

    /** What the last start returned. */
    int result() {
        return result;
    }

    private int result;

    private boolean step(long rip) {
        boolean pushesFlags = RmwDecoder.isPushFlags(core.code, core.readCode(rip));
        long flags = core.unicorn.readRegister(UC_X86_REG_RFLAGS);
        core.unicorn.writeRegister(UC_X86_REG_RFLAGS, flags | TRAP_FLAG);
        core.reason = StopReason.NONE;
        result = core.start(rip);
        flags = core.unicorn.readRegister(UC_X86_REG_RFLAGS);
        core.unicorn.writeRegister(UC_X86_REG_RFLAGS, flags & ~TRAP_FLAG);
        if (core.reason != StopReason.STEP) {
            return false;
        }
        core.stats.steps++;
        if (pushesFlags) {
            hideTrapFlag();
        }
        return true;
    }

    /** Clears the trap flag in the word on top of the stack, which has just been written. */
    private void hideTrapFlag() {
        long sp = core.unicorn.readRegister(UC_X86_REG_RSP);
        long place = sp + 1; // bits 8 to 15
        long entry = core.memory.walk(place, GuestMemory.WRITE);
        if (!GuestMemory.isMiss(entry)) {
            long host = core.ram.address() + (entry & TlbFiller.FRAME_MASK) + (place & ~PAGE_MASK);
            HostMemory.putByte(host, (byte) (HostMemory.getByte(host) & ~(TRAP_FLAG >> 8)));
        }
    }
}
