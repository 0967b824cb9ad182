package faultline.mmu.table;

import faultline.mmu.lock.SpinLock;

/**
 * A page-table entry and the lock that guards it, as one: the cursor that {@link PageTables#pteOffsetMapLock} fills. A
 * task keeps some and uses them again and again, so that mapping an entry allocates nothing.
 *
 * <p>Closing it releases the lock, if it is held; hence {@code try (guard) { tables.pteOffsetMapLock(…, guard); … }}.
 */
public final class PtlGuard implements AutoCloseable {
    SpinLock lock;
    long pte = -1;

    /** Guest-physical address of the entry, -1 when none is mapped. */
    public long pte() {
        return pte;
    }

    /** The lock held, null when none is. */
    public SpinLock lock() {
        return lock;
    }

    void hold(SpinLock held, long entry) {
        lock = held;
        pte = entry;
    }

    /** Releases the lock, if held. */
    @Override
    public void close() {
        SpinLock held = lock;
        if (held != null) {
            lock = null;
            pte = -1;
            held.unlock();
        }
    }
}
