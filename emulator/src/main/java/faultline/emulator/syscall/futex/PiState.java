package faultline.emulator.syscall.futex;

import faultline.emulator.task.Task;

/**
 * A lock that somebody waits for (struct futex_pi_state). Made by the first waiter, shared by all of them, and gone
 * with the last; the futex' bucket guards it.
 */
final class PiState {
    /** Who has the lock; null from the owner's death until the next one has written its id to the word. */
    volatile Task owner;

    PiState(Task owner) {
        this.owner = owner;
    }
}
