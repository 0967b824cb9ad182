package faultline.mmu.fault;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.StackGrowth;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.rmap.AnonVma;
import faultline.mmu.rmap.Rmap;

/**
 * The page fault as the architecture reports it: which mapping, whether it allows the access, which signal if not.
 *
 * <p>Takes the mmap lock for reading around each attempt, for writing only while a stack grows. What is behind the
 * page is {@link MmFault}'s business.
 */
public final class FaultHandler {
    /** The access can be repeated and will find its entry, unless another task takes it away again. */
    public static final int FAULT_DONE = 0;
    /** Something would have to be waited for and {@code ctx.mayWait} is false; nothing has been counted. */
    public static final int FAULT_RETRY = 1;
    /**
     * {@code ctx.siSigno}, {@code siCode}, {@code siAddr}, {@code trapNumber} and {@code errorCode} tell the signal.
     */
    public static final int FAULT_SIGNAL = 2;
    /** No memory (Linux: {@code pagefault_out_of_memory}). */
    public static final int FAULT_OOM = 3;

    /** Bits of the hardware's error code ({@code enum x86_pf_error_code}). */
    public static final int PF_PROT = 1;

    public static final int PF_WRITE = 2;
    public static final int PF_USER = 4;
    public static final int PF_INSTR = 16;

    /** Signals and codes that a fault can end in, with Linux's numbers. */
    public static final int SIGBUS = 7;

    public static final int SIGSEGV = 11;
    public static final int SEGV_MAPERR = 1;
    public static final int SEGV_ACCERR = 2;
    public static final int BUS_ADRERR = 2;
    public static final int BUS_MCEERR_AR = 4;
    public static final int SI_KERNEL = 128;

    private static final int GENERAL_PROTECTION = 13;
    /** Bits above the 47 that a user address has; all equal in a canonical address. */
    private static final int CANONICAL_SHIFT = 47;

    private final MmFault mmFault;
    private final FaultEnv env;
    private final FaultCounts counts = new FaultCounts();

    /** The fault handler of the machine that {@code env} describes. */
    public FaultHandler(FaultEnv env) {
        this.env = env;
        this.mmFault = new MmFault(env);
    }

    /** What faults work on. */
    public FaultEnv env() {
        return env;
    }

    /** Faults by what they did. */
    public FaultCounts counts() {
        return counts;
    }

    /**
     * Handles one page fault of user code, or of the kernel's access to user memory (error code without
     * {@link #PF_USER}).
     *
     * @param mm the faulting task's address space; its mmap lock is not held by the caller
     * @param address the exact address
     * @param errorCode bits of the hardware's error code
     * @param ctx the task's cursor; {@code mayWait} set by the caller
     * @return {@link #FAULT_DONE}, {@link #FAULT_RETRY}, {@link #FAULT_SIGNAL} or {@link #FAULT_OOM}
     */
    @KernelFunction(value = "do_user_addr_fault", file = "arch/x86/mm/fault.c")
    public int doUserAddrFault(MmStruct mm, long address, int errorCode, FaultContext ctx) {
        ctx.begin();
        ctx.address = address;
        ctx.errorCode = errorCode;
        if (address < 0 || address >= MmLayout.TASK_SIZE) {
            return kernelAddress(address, ctx);
        }
        int flags = flagsOf(errorCode);
        for (; ; ) {
            if (!lockForRead(mm, ctx)) {
                return FAULT_RETRY;
            }
            Vma vma = find(mm, address, ctx);
            if (vma == null || vma.start() > address) {
                vma = growStack(mm, vma, address, ctx);
                if (vma == null) {
                    return ctx.siSigno == 0 ? FAULT_RETRY : FAULT_SIGNAL;
                }
            }
            if (isAccessError(errorCode, vma)) {
                mm.mmapLock().readUnlock();
                return ctx.signal(SIGSEGV, SEGV_ACCERR, address);
            }
            ctx.maySleep = true;
            int fault = handleMmFault(mm, vma, address, flags, ctx);
            ctx.maySleep = false;
            mm.mmapLock().readUnlock();
            if ((fault & VmFault.RETRY) == 0) {
                return outcome(fault, address, ctx);
            }
            if (!ctx.mayWait || ctx.path == FaultPath.USERFAULT && !ctx.mayBlock) {
                return FAULT_RETRY;
            }
            if (ctx.userfaultWait != null && !UserfaultFault.await(ctx)) {
                // User code sees to its signal and comes back to the fault; the kernel's access fails.
                return (errorCode & PF_USER) != 0 ? FAULT_DONE : ctx.signal(SIGBUS, BUS_ADRERR, address);
            }
        }
    }

    /**
     * Makes page {@code address} of {@code vma} present with the rights that {@code faultFlags} asks for, which the
     * caller has compared with the mapping's, and counts a minor or major fault for the task.
     *
     * @return a set of {@link VmFault} bits
     */
    @KernelFunction(value = "handle_mm_fault", file = "mm/memory.c")
    @RequiresLock("MMAP_LOCK:read")
    public int handleMmFault(MmStruct mm, Vma vma, long address, int faultFlags, FaultContext ctx) {
        ctx.mm = mm;
        ctx.vma = vma;
        ctx.page = address & MmLayout.PAGE_MASK;
        ctx.flags = faultFlags;
        ctx.major = false;
        int fault = mmFault.handle(ctx);
        if ((fault & (VmFault.ERROR | VmFault.RETRY)) == 0) {
            counts.add(ctx.path);
            if ((fault & VmFault.MAJOR) != 0) {
                ctx.majFlt++;
            } else {
                ctx.minFlt++;
            }
        }
        return fault;
    }

    /**
     * Sleeps where {@link #handleMmFault} returned RETRY because user space is to provide the page, letting go of the
     * mmap lock for that: mappings may have changed afterwards.
     *
     * @return whether to try again: not when the task is to end
     */
    @KernelFunction(value = "__get_user_pages_locked", file = "mm/gup.c")
    @RequiresLock("MMAP_LOCK:read")
    public boolean awaitUserfault(MmStruct mm, FaultContext ctx) {
        mm.mmapLock().readUnlock();
        try {
            return UserfaultFault.await(ctx);
        } finally {
            mm.mmapLock().readLock();
        }
    }

    /**
     * As {@link faultline.mmu.mm.VmaTree#find}, looking first at the mapping of the task's last fault: the one that the
     * tree remembers is everybody's, and tasks that fault in different mappings would take it from each other.
     */
    @KernelFunction(value = "vmacache_find", file = "mm/vmacache.c")
    @RequiresLock("MMAP_LOCK:read")
    private static Vma find(MmStruct mm, long address, FaultContext ctx) {
        Vma last = ctx.vma;
        if (last != null && last.mm() == mm && last.isLinked() && last.start() <= address && address < last.end()) {
            return last;
        }
        return mm.vmas().find(address);
    }

    private static int flagsOf(int errorCode) {
        int flags = 0;
        if ((errorCode & PF_WRITE) != 0) {
            flags |= FaultFlags.WRITE;
        }
        if ((errorCode & PF_INSTR) != 0) {
            flags |= FaultFlags.INSTRUCTION;
        }
        if ((errorCode & PF_USER) != 0) {
            flags |= FaultFlags.USER;
        }
        return flags;
    }

    private static boolean lockForRead(MmStruct mm, FaultContext ctx) {
        if (mm.mmapLock().tryReadLock()) {
            return true;
        }
        if (!ctx.mayWait) {
            return false;
        }
        mm.mmapLock().readLock();
        return true;
    }

    /**
     * No user mapping can be there. A non-canonical address never reaches paging on hardware: it is a general
     * protection fault, which tells no address. For others the error code says "present", so that a program cannot
     * probe the kernel's layout.
     */
    @KernelFunction(value = "do_kern_addr_fault", file = "arch/x86/mm/fault.c")
    private static int kernelAddress(long address, FaultContext ctx) {
        long top = address >> CANONICAL_SHIFT;
        if (top != 0 && top != -1) {
            int result = ctx.signal(SIGSEGV, SI_KERNEL, 0);
            ctx.trapNumber = GENERAL_PROTECTION;
            ctx.errorCode = 0;
            return result;
        }
        ctx.errorCode |= PF_PROT;
        return ctx.signal(SIGSEGV, SEGV_MAPERR, address);
    }

    /** Whether the mapping forbids the access. */
    @KernelFunction(value = "access_error", file = "arch/x86/mm/fault.c")
    static boolean isAccessError(int errorCode, Vma vma) {
        if ((errorCode & PF_WRITE) != 0) {
            return (vma.flags() & VmFlags.WRITE) == 0;
        }
        return (errorCode & PF_PROT) != 0 || !vma.isAccessible();
    }

    /**
     * The address lies below {@code above}, which may be a stack that can grow down to it.
     *
     * <p>Entered with the mmap lock held for reading; growing needs it for writing. It is let go in between, so the
     * mapping is looked up again: another task may have grown the stack, or mapped something there (see
     * {@code StackGrowthTest}).
     *
     * @return the mapping, lock held for reading; or null, lock not held, with the signal in {@code ctx} or, where
     *     waiting is not allowed, none
     */
    @KernelFunction(value = "lock_mm_and_find_vma", file = "mm/mmap_lock.c")
    private static Vma growStack(MmStruct mm, Vma above, long address, FaultContext ctx) {
        mm.mmapLock().readUnlock();
        if (above == null || !above.has(VmFlags.GROWSDOWN)) {
            ctx.signal(SIGSEGV, SEGV_MAPERR, address);
            return null;
        }
        if (!mm.mmapLock().tryWriteLock()) {
            if (!ctx.mayWait) {
                return null;
            }
            mm.mmapLock().writeLock();
        }
        Vma vma = mm.vmas().find(address);
        if (vma == null || (vma.start() > address && !expand(vma, address, ctx))) {
            mm.mmapLock().writeUnlock();
            ctx.signal(SIGSEGV, SEGV_MAPERR, address);
            return null;
        }
        mm.mmapLock().downgradeWrite();
        return vma;
    }

    /** Grows {@code vma} down to {@code address}; the caller holds the mmap lock alone. */
    @KernelFunction(value = "expand_stack_locked", file = "mm/mmap.c")
    @RequiresLock("MMAP_LOCK")
    static boolean expand(Vma vma, long address, FaultContext ctx) {
        AnonVma family = Rmap.prepare(vma);
        if (family == null) {
            return false;
        }
        AddressSpace mapping = vma.sharedNode().isLinked() ? vma.file().mapping() : null;
        if (mapping != null) {
            mapping.areas().lock().lock();
            mapping.areas().unlinkLocked(vma);
        }
        family.lock().lock();
        family.unlinkLocked(vma);
        int error = StackGrowth.expandDownwards(vma, address);
        family.linkLocked(vma);
        family.lock().unlock();
        if (mapping != null) {
            mapping.areas().linkLocked(vma);
            mapping.areas().lock().unlock();
        }
        ctx.stackGrown = error == 0;
        return error == 0;
    }

    private static int outcome(int fault, long address, FaultContext ctx) {
        if ((fault & VmFault.ERROR) == 0) {
            return FAULT_DONE;
        }
        if ((fault & VmFault.OOM) != 0) {
            return FAULT_OOM;
        }
        if ((fault & VmFault.HWPOISON) != 0) {
            return ctx.signal(SIGBUS, BUS_MCEERR_AR, address);
        }
        if ((fault & VmFault.SIGBUS) != 0) {
            return ctx.signal(SIGBUS, BUS_ADRERR, address);
        }
        return ctx.signal(SIGSEGV, SEGV_MAPERR, address);
    }

    /** {@code -ENOMEM}, {@code -EFAULT} for a failed fault set (Linux: {@code vm_fault_to_errno}). */
    @KernelFunction("vm_fault_to_errno")
    public static int toErrno(int fault) {
        return (fault & VmFault.OOM) != 0 ? -Errno.ENOMEM : -Errno.EFAULT;
    }
}
