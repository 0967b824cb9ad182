package faultline.mmu.lock;

import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Test;

/** Plain data behind our locks behaves as if it were atomic, on all interleavings that Lincheck finds. */
class LocksLincheckTest {
    /** Guarded by a spin lock. */
    public static class SpinCounter {
        private final SpinLock lock = new SpinLock(new LockClass("lincheck spin", LockRank.PAGE_TABLE_LOCK));
        private int value;

        @Operation
        public int increment() {
            lock.lock();
            int now = ++value;
            lock.unlock();
            return now;
        }

        @Operation
        public int tryIncrement() {
            while (!lock.tryLock()) {
                Thread.onSpinWait();
            }
            int now = ++value;
            lock.unlock();
            return now;
        }
    }

    /** Guarded by a reader-writer semaphore. */
    public static class RwCounter {
        private final RwSemaphore lock = new RwSemaphore(new LockClass("lincheck rw", LockRank.MMAP_LOCK));
        private int first;
        private int second;

        @Operation
        public int increment() {
            lock.writeLock();
            first++;
            second++;
            int now = first;
            lock.writeUnlock();
            return now;
        }

        @Operation
        public int incrementAndDowngrade() {
            lock.writeLock();
            first++;
            second++;
            lock.downgradeWrite();
            int now = second;
            lock.readUnlock();
            return now;
        }

        @Operation
        public int difference() {
            lock.readLock();
            int found = first - second;
            lock.readUnlock();
            return found;
        }
    }

    @Test
    void spinLockUnderModelChecking() {
        options().check(SpinCounter.class);
    }

    @Test
    void semaphoreUnderModelChecking() {
        options().check(RwCounter.class);
    }

    private static ModelCheckingOptions options() {
        return new ModelCheckingOptions()
                .iterations(10)
                .invocationsPerIteration(300)
                .threads(2)
                .actorsPerThread(2);
    }
}
