package faultline.mmu.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LocksTest {
    private static final int ROUNDS = Integer.getInteger("faultline.stress.rounds", 150) * 400;

    private final LockClass spinClass = new LockClass("test spin", LockRank.PAGE_TABLE_LOCK);
    private final LockClass rwClass = new LockClass("test rw", LockRank.MMAP_LOCK);
    private final SpinLock spin = new SpinLock(spinClass);
    private final RwSemaphore rw = new RwSemaphore(rwClass);

    /** Guarded by whichever lock the test is about; not atomic on purpose. */
    private long counter;

    @AfterEach
    void noPoller() {
        SpinWait.setPoller(null);
    }

    @Test
    void aSpinLockExcludes() throws InterruptedException {
        run(4, () -> {
            for (int i = 0; i < ROUNDS; i++) {
                spin.lock();
                counter++;
                spin.unlock();
            }
        });
        assertThat(counter).isEqualTo(4L * ROUNDS);
        assertThat(spin.acquisitions()).isEqualTo(4L * ROUNDS);
        assertThat(spin.isLocked()).isFalse();
    }

    @Test
    void aSpinLockKnowsItsHolder() {
        assertThat(spin.tryLock()).isTrue();
        assertThat(spin.isHeldByCurrentThread()).isTrue();
        assertThat(spin.tryLock()).isFalse();
        assertThatThrownBy(spin::lock).isInstanceOf(IllegalStateException.class);
        spin.unlock();
        assertThat(spin.isHeldByCurrentThread()).isFalse();
        assertThatThrownBy(spin::unlock).isInstanceOf(IllegalMonitorStateException.class);
    }

    @Test
    void writersExcludeAllAndReadersSeeWholeUpdates() throws InterruptedException {
        AtomicReference<String> torn = new AtomicReference<>();
        long[] pair = new long[2];
        AtomicInteger number = new AtomicInteger();
        run(6, () -> {
            boolean writer = number.getAndIncrement() < 2;
            for (int i = 0; i < ROUNDS / 4; i++) {
                if (writer) {
                    rw.writeLock();
                    pair[0]++;
                    pair[1]++;
                    if (i % 3 == 0) {
                        rw.downgradeWrite();
                        if (pair[0] != pair[1]) {
                            torn.set("after a downgrade");
                        }
                        rw.readUnlock();
                    } else {
                        rw.writeUnlock();
                    }
                } else if (i % 8 != 0 || rw.tryReadLock()) {
                    if (i % 8 != 0) {
                        rw.readLock();
                    }
                    if (pair[0] != pair[1]) {
                        torn.set("as a reader");
                    }
                    rw.readUnlock();
                }
            }
        });
        assertThat(torn.get()).isNull();
        assertThat(pair[0]).isEqualTo(2L * (ROUNDS / 4));
        assertThat(rw.isLocked()).isFalse();
        assertThat(rw.hasWaiters()).isFalse();
    }

    @Test
    void aReaderBehindAWaitingWriterWaitsToo() throws InterruptedException {
        rw.readLock();
        Thread writer = new Thread(() -> {
            rw.writeLock();
            counter = 1;
            rw.writeUnlock();
        });
        writer.start();
        while (!rw.hasWaiters()) {
            Thread.onSpinWait();
        }
        assertThat(rw.tryReadLock()).isFalse();
        rw.readUnlock();
        rw.readLock();
        // We queued behind the writer, so it was served first.
        assertThat(counter).isEqualTo(1);
        rw.readUnlock();
        writer.join();
        assertThat(rwClass.contentions()).isPositive();
        assertThat(rwClass.waitNanos()).isPositive();
    }

    @Test
    void anInterruptedWaiterLeavesTheQueueAndThoseBehindItGoOn() throws InterruptedException {
        rw.readLock();
        AtomicBoolean got = new AtomicBoolean(true);
        AtomicBoolean stillInterrupted = new AtomicBoolean();
        Thread writer = new Thread(() -> {
            got.set(rw.writeLockInterruptibly());
            stillInterrupted.set(Thread.currentThread().isInterrupted());
        });
        writer.start();
        while (!rw.hasWaiters()) {
            Thread.onSpinWait();
        }
        CountDownLatch behind = new CountDownLatch(1);
        Thread reader = new Thread(() -> {
            rw.readLock();
            behind.countDown();
            rw.readUnlock();
        });
        reader.start();
        writer.interrupt();
        writer.join();
        behind.await();
        reader.join();
        assertThat(got).isFalse();
        assertThat(stillInterrupted).isTrue();
        rw.readUnlock();
        assertThat(rw.tryWriteLock()).isTrue();
        rw.writeUnlock();
    }

    @Test
    void interruptsRacingWithGrantsLoseNoLock() throws InterruptedException {
        run(4, () -> {
            for (int i = 0; i < ROUNDS / 40; i++) {
                Thread self = Thread.currentThread();
                if (i % 3 == 0) {
                    self.interrupt();
                }
                if (i % 2 == 0 ? rw.writeLockInterruptibly() : rw.readLockInterruptibly()) {
                    if (i % 2 == 0) {
                        rw.writeUnlock();
                    } else {
                        rw.readUnlock();
                    }
                }
                Thread.interrupted();
            }
        });
        assertThat(rw.isLocked()).isFalse();
        assertThat(rw.hasWaiters()).isFalse();
        assertThat(rw.tryWriteLock()).isTrue();
    }

    @Test
    void releasingWhatIsNotHeldIsReported() {
        assertThatThrownBy(rw::readUnlock).isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(rw::writeUnlock).isInstanceOf(IllegalMonitorStateException.class);
        rw.writeLock();
        assertThatThrownBy(rw::writeLock).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(rw::readLock).isInstanceOf(IllegalStateException.class);
        rw.writeUnlock();
        assertThat(rw.isLocked()).isFalse();
    }

    /** The holder wants an answer from the one that waits for its lock: it comes from the poller. */
    @Test
    void aWaitingThreadServesThePoller() throws InterruptedException {
        for (boolean spinning : new boolean[] {true, false}) {
            CountDownLatch answered = new CountDownLatch(1);
            Thread[] waiter = new Thread[1];
            SpinWait.setPoller(() -> {
                if (Thread.currentThread() == waiter[0]) {
                    answered.countDown();
                }
            });
            spin.lock();
            rw.writeLock();
            waiter[0] = new Thread(() -> {
                if (spinning) {
                    spin.lock();
                    spin.unlock();
                } else {
                    rw.readLock();
                    rw.readUnlock();
                }
            });
            waiter[0].start();
            answered.await();
            spin.unlock();
            rw.writeUnlock();
            waiter[0].join();
        }
        assertThat(spinClass.contentions()).isEqualTo(1);
    }

    @Test
    void ranksAllowOnlyInward() {
        assertThat(LockRank.PAGE_TABLE_LOCK.mayFollow(LockRank.MMAP_LOCK)).isTrue();
        assertThat(LockRank.MMAP_LOCK.mayFollow(LockRank.PAGE_TABLE_LOCK)).isFalse();
        assertThat(LockRank.PAGE_TABLE_LOCK.mayFollow(LockRank.PAGE_TABLE_LOCK)).isFalse();
        assertThat(LockRank.PAGE_TABLE_LOCK_NESTED.mayFollow(LockRank.PAGE_TABLE_LOCK))
                .isTrue();
        assertThat(LockRank.ANON_VMA_LOCK.mayFollow(LockRank.ANON_VMA_LOCK)).isTrue();
        assertThat(LockRank.I_MMAP_LOCK.mayFollow(LockRank.ANON_VMA_LOCK)).isFalse();
    }

    private static void run(int count, Runnable body) throws InterruptedException {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread[] threads = new Thread[count];
        for (int i = 0; i < count; i++) {
            threads[i] = new Thread(body);
            threads[i].setUncaughtExceptionHandler((thread, e) -> failure.set(e));
            threads[i].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failure.get()).isNull();
    }
}
