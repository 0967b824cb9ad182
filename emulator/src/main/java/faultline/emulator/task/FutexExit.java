package faultline.emulator.task;

/**
 * How far a task has come with giving back its futexes. Written by the task itself.
 *
 * <p>A task that finds another one as the owner of a lock may wait for it while that one is {@link #ALIVE}; while it is
 * {@link #EXITING} the lock is about to change.
 */
public enum FutexExit {
    /** It may own locks. */
    ALIVE,
    /** It is giving its locks back. */
    EXITING,
    /** It owns nothing any more. */
    DEAD
}
