package faultline.emulator.cpu;

import static faultline.emulator.unicorn.UnicornConstants.UC_MEM_READ;
import static faultline.emulator.unicorn.UnicornConstants.UC_PROT_EXEC;
import static faultline.emulator.unicorn.UnicornConstants.UC_PROT_READ;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_RFLAGS;

import faultline.emulator.unicorn.Unicorn;
import faultline.emulator.unicorn.UnicornConstants;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;

/**
 * Answers the TLB misses of one engine: the page walk, and the page fault where the walk finds nothing.
 *
 * <p>Faults are handled inside the hook wherever they can be: that is fast, and exact, since the instruction simply
 * goes on. The hook refuses, and the CPU stops on the instruction, when the fault becomes a signal, has to wait, or is
 * traced.
 *
 * <p>Exceptions to that, all of them Unicorn's peculiarities:
 *
 * <ul>
 *   <li>A block that runs on into the next page fetches that page when it is translated, before its first instruction
 *   ran. If
 *       the page is missing, the block is replayed instruction by instruction ({@link BlockReplay}), so that the fault
 *       comes when, and only if, the program gets there.
 *   <li>A read-modify-write instruction reads first; its miss is made the write fault that the hardware raises.
 *   <li>{@code setcc}, {@code rcl} and {@code rcr} to memory compute flags before they store, and flags are lost when
 *   the
 *       store is refused. Their faults wait inside the hook. When such a store ends in a signal, the flags that the
 *       handler sees are wrong; no fix is known.
 * </ul>
 */
final class TlbFiller {
    /** Physical address bits of an entry. */
    static final long FRAME_MASK = 0x000ffffffffff000L;

    private static final long PAGE_MASK = -4096L;
    private static final int PAGE_SHIFT = 12;
    private static final int CANONICAL_SHIFT = 47;
    private static final long TRAP_FLAG = 0x100;
    /** No entry: the access is refused. */
    private static final long REFUSED = 0;

    private final EngineCore core;
    private CodeCoherence coherence;
    private Shootdown shootdown;
    private FaultListener listener;

    TlbFiller(EngineCore core) {
        this.core = core;
    }

    void connect(CodeCoherence frames, Shootdown flushes) {
        coherence = frames;
        shootdown = flushes;
    }

    void setListener(FaultListener newListener) {
        listener = newListener;
    }

    /** The hook. */
    boolean fill(long address, int kind, long result) {
        if (core.inFirmware) {
            return fillFirmware(address, result);
        }
        boolean filled = core.reason != StopReason.FORBIDDEN && fillUser(address, kind, result);
        shootdown.endFill(filled);
        return filled;
    }

    /**
     * A miss of user code, as {@link #fill}; the counterpart is of a machine whose translations are filled by software,
     * too.
     */
    @KernelFunction(value = "handle_tlbmiss", file = "arch/sh/mm/tlbex_32.c")
    private boolean fillUser(long address, int kind, long result) {
        int access = kind - UC_MEM_READ;
        boolean firstTouch = false;
        for (; ; ) {
            long entry = walk(address, access);
            if (GuestMemory.isMiss(entry)) {
                firstTouch = true;
                entry = miss(address, access, entry);
                if (entry == REFUSED) {
                    return false;
                }
            }
            int protection = coherence.grant(core, shootdown, entry, address >>> PAGE_SHIFT, access);
            if (protection != CodeCoherence.WALK_AGAIN) {
                Unicorn.answer(result, entry & FRAME_MASK, protection);
                break;
            }
        }
        core.stats.fills++;
        if (core.tlb.filled(address >>> PAGE_SHIFT, firstTouch)) {
            core.flushTlb();
            core.tlb.filled(address >>> PAGE_SHIFT, firstTouch);
            core.stats.growthFlushes++;
        }
        return true;
    }

    private boolean fillFirmware(long address, long result) {
        if (address >= 0) {
            return false;
        }
        Unicorn.answer(result, Firmware.physical(address), UC_PROT_READ | UC_PROT_EXEC);
        return true;
    }

    /** The walk; addresses without a place in the tables miss as if nothing were there. */
    private long walk(long address, int access) {
        long top = address >> CANONICAL_SHIFT;
        if (top != 0 && top != -1) {
            return ~(FaultHandler.PF_USER
                    | (access == GuestMemory.WRITE ? FaultHandler.PF_WRITE : 0)
                    | (access == GuestMemory.FETCH ? FaultHandler.PF_INSTR : 0));
        }
        return core.memory.walk(address, access);
    }

    /** A page fault; the entry to fill with, or {@link #REFUSED} with the reason noted. */
    private long miss(long address, int kind, long refusal) {
        int access = kind;
        int errorCode = (int) ~refusal;
        boolean storesAfterFlags = false;
        if (access == GuestMemory.FETCH) {
            if (isEarly(address)) {
                core.reason = StopReason.EARLY_FETCH;
                return REFUSED;
            }
        } else {
            int length = access == GuestMemory.READ || listener != null ? core.readCode(core.rip()) : 0;
            if (access == GuestMemory.READ && RmwDecoder.isReadModifyWrite(core.code, length)) {
                access = GuestMemory.WRITE;
                long entry = walk(address, access);
                if (!GuestMemory.isMiss(entry)) {
                    return entry;
                }
                errorCode = (int) ~entry;
                core.stats.readModifyWrites++;
            }
            storesAfterFlags = listener != null && RmwDecoder.storesAfterFlags(core.code, length);
        }
        if (listener != null && !storesAfterFlags) {
            core.context.errorCode = errorCode;
            core.reason = StopReason.FAULT_OUTSIDE;
            return REFUSED;
        }
        return fault(address, access, errorCode);
    }

    /** Whether the page is not the one the instruction pointer is on, and no instruction is known to reach it. */
    private boolean isEarly(long address) {
        return (core.rip() & PAGE_MASK) != address
                && !core.stepping
                && (core.unicorn.readRegister(UC_X86_REG_RFLAGS) & TRAP_FLAG) == 0;
    }

    private long fault(long address, int access, int firstCode) {
        FaultContext context = core.context;
        int errorCode = firstCode;
        context.mayWait = false;
        context.mayBlock = false;
        if (listener != null) {
            context.ip = core.rip();
            context.bp = core.unicorn.readRegister(UnicornConstants.UC_X86_REG_RBP);
        }
        for (; ; ) {
            core.stats.faults++;
            core.leaveGuest(EngineCore.KERNEL);
            int result = core.memory.fault(address, errorCode, context);
            core.enterGuest();
            if (result == FaultHandler.FAULT_RETRY && !context.mayWait && mustWaitHere(access)) {
                context.mayWait = true;
                continue;
            }
            if (core.queue.isPending()) {
                shootdown.serveInHook(result == FaultHandler.FAULT_DONE ? address : -1);
            }
            if (result != FaultHandler.FAULT_DONE) {
                return refuse(result, errorCode);
            }
            long entry = walk(address, access);
            if (!GuestMemory.isMiss(entry)) {
                return entry;
            }
            errorCode = (int) ~entry;
        }
    }

    private boolean mustWaitHere(int access) {
        return access == GuestMemory.WRITE && RmwDecoder.storesAfterFlags(core.code, core.readCode(core.rip()));
    }

    private long refuse(int result, int errorCode) {
        core.reason = switch (result) {
            case FaultHandler.FAULT_RETRY -> StopReason.FAULT_RETRY;
            case FaultHandler.FAULT_OOM -> StopReason.FAULT_OOM;
            default -> StopReason.FAULT_SIGNAL;
        };
        if (result != FaultHandler.FAULT_SIGNAL) {
            core.context.errorCode = errorCode; // a signal's is as the kernel shows it
        }
        return REFUSED;
    }
}
