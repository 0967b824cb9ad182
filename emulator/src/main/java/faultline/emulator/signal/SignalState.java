package faultline.emulator.signal;

/** The signal state of one task: mask, its own pending signals, alternate stack, and the last trap it caused. */
public final class SignalState {
    /** Written by the task itself, in the handlers' monitor; others read it there. */
    private volatile long blocked;

    /** Guarded by the handlers' monitor. */
    private final PendingSignals pending = new PendingSignals();

    private final AltStack altStack = new AltStack();
    private long savedMask;
    private boolean hasSavedMask;

    /** Signals that sigtimedwait is waiting for though they are blocked; guarded by the handlers' monitor. */
    private long waitedFor;

    /** As the frame's REG_ERR, REG_TRAPNO and REG_CR2 show: the last fault or trap that became a signal. */
    private long errorCode;

    private long trapNumber;
    private long faultAddress;

    private volatile boolean standing;

    /** Whether the task stands still, its process being stopped or frozen. Any thread. */
    public boolean isStanding() {
        return standing;
    }

    void setStanding(boolean still) {
        standing = still;
    }

    /** Signals that do not reach this task now. */
    public long blocked() {
        return blocked;
    }

    /** Caller holds the handlers' monitor and recalculates the task's pending flag. */
    void setBlocked(long mask) {
        blocked = mask & ~Signals.UNBLOCKABLE;
    }

    /** Caller holds the handlers' monitor. */
    public PendingSignals pending() {
        return pending;
    }

    /** The stack for handlers that want one. */
    public AltStack altStack() {
        return altStack;
    }

    long waitedFor() {
        return waitedFor;
    }

    void setWaitedFor(long set) {
        waitedFor = set;
    }

    /** The mask that a handler's frame saves: the one from before sigsuspend, ppoll, … put another in place. */
    long maskToSave() {
        return hasSavedMask ? savedMask : blocked;
    }

    boolean hasSavedMask() {
        return hasSavedMask;
    }

    long savedMask() {
        return savedMask;
    }

    /** Remembers the mask to go back to after the handler that interrupts a call.*/
    public void saveMask(long mask) {
        savedMask = mask;
        hasSavedMask = true;
    }

    void forgetSavedMask() {
        hasSavedMask = false;
    }

    /**
     * Notes a trap that becomes a signal.
     *
     * @param number the processor's vector
     * @param error the processor's error code, 0 where it has none
     */
    public void noteTrap(long number, long error) {
        trapNumber = number;
        errorCode = error;
    }

    /** Notes the address of a page fault that becomes a signal (CR2). */
    public void noteFaultAddress(long address) {
        faultAddress = address;
    }

    long errorCode() {
        return errorCode;
    }

    long trapNumber() {
        return trapNumber;
    }

    long faultAddress() {
        return faultAddress;
    }

    /** What a child of clone inherits: the mask; the alternate stack only where memory is not shared. */
    public void inherit(SignalState parent, boolean keepAltStack) {
        blocked = parent.blocked;
        if (keepAltStack) {
            altStack.copyFrom(parent.altStack);
        }
    }
}
