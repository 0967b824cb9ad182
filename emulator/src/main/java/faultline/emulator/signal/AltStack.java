package faultline.emulator.signal;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** One task's alternate signal stack (sigaltstack(2)). Used by the task's own thread only. */
public final class AltStack {
    public static final int SS_ONSTACK = 1;
    public static final int SS_DISABLE = 2;
    public static final int SS_AUTODISARM = 1 << 31;
    /** Smallest size that sigaltstack(2) accepts on x86-64. */
    public static final long MINSIGSTKSZ = 2048;

    private long sp;
    private long size;
    private int flags = SS_DISABLE;

    /** Lowest address. */
    public long sp() {
        return sp;
    }

    /** Bytes. */
    public long size() {
        return size;
    }

    /** As set, SS_DISABLE when there is none. */
    public int flags() {
        return flags;
    }

    /** What sigaltstack(2) asked for; the rules are the caller's. */
    public void set(long newSp, long newSize, int newFlags) {
        sp = newSp;
        size = newSize;
        flags = newFlags;
    }

    /** A cloned task begins with its parent's. */
    public void copyFrom(AltStack other) {
        set(other.sp, other.size, other.flags);
    }

    /**
     * Sets the stack as sigaltstack(2) does.
     *
     * @param stackPointer the task's; on the alternate stack nothing may be changed
     * @return 0, -EPERM, -EINVAL or -ENOMEM
     */
    @KernelFunction(value = "do_sigaltstack", file = "kernel/signal.c")
    public static int change(AltStack stack, long stackPointer, long newSp, int newFlags, long newSize) {
        if (stack.holds(stackPointer)) {
            return -Errno.EPERM;
        }
        int mode = newFlags & ~SS_AUTODISARM;
        if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0) {
            return -Errno.EINVAL;
        }
        if (mode == SS_DISABLE) {
            stack.set(0, 0, newFlags);
        } else if (Long.compareUnsigned(newSize, MINSIGSTKSZ) < 0) {
            return -Errno.ENOMEM;
        } else {
            stack.set(newSp, newSize, newFlags);
        }
        return 0;
    }

    /** What SS_AUTODISARM does when a handler starts, and execve (sas_ss_reset). */
    public void reset() {
        set(0, 0, SS_DISABLE);
    }

    /** Whether it is off while a handler runs on it (SS_AUTODISARM). */
    public boolean autoDisarms() {
        return (flags & SS_AUTODISARM) != 0;
    }

    /** Whether a stack pointer lies on this stack; never with SS_AUTODISARM, where handlers run on a disarmed one. */
    public boolean holds(long stackPointer) {
        if (autoDisarms()) {
            return false;
        }
        return Long.compareUnsigned(stackPointer, sp) > 0 && Long.compareUnsigned(stackPointer - sp, size) <= 0;
    }

    /** {@code ss_flags} as sigaltstack(2) reports them (sas_ss_flags, plus the mode bits). */
    public int reportedFlags(long stackPointer) {
        if (size == 0) {
            return SS_DISABLE;
        }
        return (holds(stackPointer) ? SS_ONSTACK : 0) | flags & SS_AUTODISARM;
    }
}
