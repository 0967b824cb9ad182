package faultline.emulator.task;

/**
 * A system call was given an address that the guest cannot read or write: the dispatcher makes it {@code -EFAULT}.
 *
 * <p>One instance without a stack trace, because a guest may provoke it in a loop. A call that has done something which
 * must be undone, or which returns a short count instead, uses {@link TaskMemory#copyIn} and {@link
 * TaskMemory#copyOut}.
 */
public final class UserFault extends RuntimeException {
    public static final UserFault INSTANCE = new UserFault();

    private UserFault() {
        super("bad user address", null, false, false);
    }
}
