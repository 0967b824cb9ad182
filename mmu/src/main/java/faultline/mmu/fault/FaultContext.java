package faultline.mmu.fault;

import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.table.PtlGuard;
import java.util.Arrays;

/**
 * The cursor of one task's page faults, made once with the task: what the fault is, how it goes, what came of it.
 *
 * <p>It stands for Linux's {@code struct vm_fault} with the counters of the task, and exists so that a fault allocates
 * nothing. Used by one thread at a time, for one fault at a time; a task that copies to another address space (ptrace,
 * process_vm_writev) uses its own context and may thus fault there.
 */
public final class FaultContext {
    /** Most pages mapped around a file fault (Linux: fault_around_bytes, 64 KiB). */
    static final int FAULT_AROUND = 16;

    /** Faults resolved without reading a backing store, ever ({@code ru_minflt}). */
    public long minFlt;
    /** Faults resolved by reading a backing store, ever ({@code ru_majflt}). */
    public long majFlt;

    // ---- set by whoever reports the fault ----

    /** The exact address accessed (CR2). */
    public long address;
    /** Instruction pointer at the fault. */
    public long ip;
    /** Stack pointer at the fault. */
    public long sp;
    /** Frame pointer at the fault, for call stacks; 0 unless faults are being traced. */
    public long bp;
    /** Error code as the hardware pushes it: bit 0 present, 1 write, 2 user, 4 instruction fetch. */
    public int errorCode;
    /** Whether the fault may wait for another task; if not, it ends in RETRY instead. */
    public boolean mayWait = true;
    /** With {@link #mayWait}: whether the wait may last as long as user space likes (userfaultfd). */
    public boolean mayBlock = true;
    /**
     * Whether pages that user space is to provide are out of reach: for who looks at another's memory, alive or dead.
     */
    public boolean withoutUserSpace;
    /** How the task waits for user space to provide a page; null for a context that is no task's. */
    public UserfaultSleeper sleeper;

    // ---- what came of it ----

    /** Signal to raise when the fault ended in one. */
    public int siSigno;
    /** The signal's code ({@code si_code}). */
    public int siCode;
    /** The signal's address ({@code si_addr}). */
    public long siAddr;
    /** Hardware exception of that signal: 14 page fault, 13 general protection. */
    public int trapNumber;
    /** The last rung of the ladder that the fault reached. */
    public FaultPath path = FaultPath.NONE;
    /** Whether the fault made a stack grow. */
    public boolean stackGrown;
    /** Whether the fault read a backing store. */
    public boolean major;

    /** The value read from user memory by {@code UserMemory}. */
    public long value;

    // ---- the fault under way (struct vm_fault) ----

    MmStruct mm;
    Vma vma;
    /** Page-aligned address. */
    long page;

    int flags;
    /** Whether the caller can let go of the mmap lock and do the fault again: others cannot wait for user space. */
    public boolean maySleep;
    /** A fault that now waits for user space: where, and its place in the queue there. */
    Userfault userfault;

    UserfaultWait userfaultWait;
    /** Physical addresses of the PMD entry and, once mapped, of the PTE. */
    long pmdEntry;

    long pte;
    /** The entry as it was when the fault looked at it, not locked. */
    long origPte;

    final PtlGuard guard = new PtlGuard();
    final PtlGuard nested = new PtlGuard();

    /** For package {@code gup}: the page-table lock held over one access to user memory. */
    public final PtlGuard accessGuard = new PtlGuard();
    /** Physical address of the entry under {@link #accessGuard}. */
    public long accessPte;

    final long[] around = new long[FAULT_AROUND];

    /** A cursor for one task. */
    public FaultContext() {
        Arrays.fill(around, -1);
    }

    /**
     * Whether the last fault ended in RETRY because it has to wait for user space: see {@link
     * FaultHandler#awaitUserfault}.
     */
    public boolean awaitsUserSpace() {
        return userfaultWait != null;
    }

    /** Whether the fault under way is a write. */
    boolean isWrite() {
        return (flags & FaultFlags.WRITE) != 0;
    }

    /** Forgets the outcome of the fault before. */
    void begin() {
        path = FaultPath.NONE;
        stackGrown = false;
        major = false;
        siSigno = 0;
    }

    int signal(int signo, int code, long atAddress) {
        siSigno = signo;
        siCode = code;
        siAddr = atAddress;
        trapNumber = 14;
        return FaultHandler.FAULT_SIGNAL;
    }
}
