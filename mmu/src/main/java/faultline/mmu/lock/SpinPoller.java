package faultline.mmu.lock;

/**
 * What a thread does between two looks at a lock that it waits for.
 *
 * <p>A kernel spins with interrupts on, so that a processor which waits for a lock still answers a TLB shootdown from
 * the one that holds it. A CPU emulator answers here; without that the two would wait for each other for ever.
 */
@FunctionalInterface
public interface SpinPoller {
    /** Serves what other threads want from this one. Must not block, nor take a lock that has a {@link LockRank}. */
    void poll();
}
