package faultline.emulator.syscall.futex;

import faultline.emulator.task.FutexExit;
import faultline.emulator.task.Task;
import faultline.emulator.task.TaskMemory;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * One try to take a priority-inheriting lock, for the calling task or for one that it moves from another futex; or,
 * where the lock has an owner, to find whom to wait for.
 *
 * <p>Lives as long as the bucket's monitor is held. The word's ladder:
 *
 * <pre>
 *   my own id ───────────▶ EDEADLK
 *   somebody waits ──────▶ wait for the same owner, if the word agrees
 *   no owner ────────────▶ mine
 *   an owner ────────────▶ set the bit that says "waiters", find the task, wait for it
 * </pre>
 */
@KernelFunction(value = "futex_lock_pi_atomic", file = "kernel/futex/pi.c")
final class PiAttempt {
    /** The lock was taken. */
    static final int TAKEN = 1;

    /** There is an owner: wait for {@link #state}. */
    static final int MUST_WAIT = 0;

    private final Task task;
    private final FutexBucket bucket;
    private final FutexKey key;
    private final long address;

    /** What to wait for, after {@link #MUST_WAIT}. */
    PiState state;

    /** The owner that is about to end, after -EBUSY. */
    Task exiting;

    /** @param task whose memory {@code address} is in: the caller */
    PiAttempt(Task task, FutexBucket bucket, FutexKey key, long address) {
        this.task = task;
        this.bucket = bucket;
        this.key = key;
        this.address = address;
    }

    /**
     * Tries.
     *
     * @param locker who is to have the lock
     * @param waiters whether the word of a lock that was taken is to say that others wait
     * @return {@link #TAKEN}, {@link #MUST_WAIT}, -EFAULT where the page is absent, -EAGAIN where the word has changed,
     *     -EBUSY where the owner is about to end: try again; or the call's error
     */
    int run(Task locker, boolean waiters) {
        long word = FutexWord.get(task, address);
        if (word == TaskMemory.ABSENT) {
            return -Errno.EFAULT;
        }
        int value = (int) word;
        int owner = value & FutexWord.TID_MASK;
        if (owner == locker.tid()) {
            return -Errno.EDEADLK;
        }
        FutexWaiter top = bucket.top(key);
        if (top != null) {
            return attachToState(value, top.lock);
        }
        if (owner == 0) {
            int mine = value & FutexWord.OWNER_DIED | locker.tid() | (waiters ? FutexWord.WAITERS : 0);
            int result = FutexWord.replace(task, address, value, mine);
            return result == 0 ? TAKEN : result;
        }
        int result = FutexWord.replace(task, address, value, value | FutexWord.WAITERS);
        return result == 0 ? attachToOwner(value | FutexWord.WAITERS) : result;
    }

    /** Others wait already: the word must agree with what they wait for, or somebody has tampered with it. */
    @KernelFunction(value = "attach_to_pi_state", file = "kernel/futex/pi.c")
    private int attachToState(int value, PiState waited) {
        if (waited == null) {
            return -Errno.EINVAL;
        }
        int id = value & FutexWord.TID_MASK;
        Task owner = waited.owner;
        boolean died = (value & FutexWord.OWNER_DIED) != 0;
        boolean ownerless = died && id == 0;
        if (!ownerless && (owner == null || owner.tid() != id)) {
            return -Errno.EINVAL;
        }
        state = waited;
        return MUST_WAIT;
    }

    @KernelFunction(value = "attach_to_pi_owner", file = "kernel/futex/pi.c")
    private int attachToOwner(int value) {
        Task owner = task.kernel().tasks().get(value & FutexWord.TID_MASK);
        if (owner == null) {
            return ownerGone(value);
        }
        if (key.space() == task.mm() && owner.mm() != task.mm()) {
            // a private lock cannot have an owner elsewhere
            return -Errno.EPERM;
        }
        if (owner.futexExit() == FutexExit.DEAD) {
            return ownerGone(value);
        }
        if (owner.futexExit() == FutexExit.EXITING) {
            exiting = owner;
            return -Errno.EBUSY;
        }
        state = new PiState(owner);
        return MUST_WAIT;
    }

    /** There is no such task, or no more: unless the word has changed by its death, nobody will ever unlock. */
    @KernelFunction(value = "handle_exit_race", file = "kernel/futex/pi.c")
    private int ownerGone(int value) {
        long now = FutexWord.get(task, address);
        if (now == TaskMemory.ABSENT) {
            return -Errno.EFAULT;
        }
        return (int) now == value ? -Errno.ESRCH : -Errno.EAGAIN;
    }
}
