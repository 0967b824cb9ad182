package faultline.plugins.trace;

import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.RwSemaphore;
import faultline.mmu.lock.SpinLock;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.weave.Hook;
import java.lang.invoke.MethodHandles;

/**
 * Locks: the mmap lock by the names of Linux' {@code mmap_lock} tracepoints, spin locks by {@code lock:lock_acquired};
 * and for faults the time they waited for either.
 */
final class LockTracepoint extends Tracepoint {
    private final TraceThreads threads;
    private final LockNumbers numbers = new LockNumbers();
    private final int read;
    private final int write;

    LockTracepoint(TraceThreads threads) {
        super(MethodHandles.lookup());
        this.threads = threads;
        this.read = threads.strings().number("read");
        this.write = threads.strings().number("write");
        on("lock_contended", Hook.ENTRY, "contended", LockClass.class, long.class);
        if (threads.wants(Events.MMAP_LOCK)) {
            for (String function :
                    new String[] {"down_read", "down_read_killable", "down_write", "down_write_killable"}) {
                on(function, Hook.ENTRY, "waiting");
                on(
                        function,
                        Hook.EXIT,
                        function.startsWith("down_read") ? "readLocked" : "writeLocked",
                        RwSemaphore.class);
                on(function, Hook.THROWN, "forget");
            }
            on("down_read_trylock", Hook.EXIT, "readTried", boolean.class, RwSemaphore.class);
            on("down_write_trylock", Hook.EXIT, "writeTried", boolean.class, RwSemaphore.class);
        }
        if (threads.wants(Events.MMAP_UNLOCK)) {
            on("up_read", Hook.ENTRY, "readReleased", RwSemaphore.class);
            on("up_write", Hook.ENTRY, "writeReleased", RwSemaphore.class);
        }
        if (threads.wants(Events.SPIN_LOCK)) {
            on("spin_lock", Hook.ENTRY, "waiting");
            on("spin_lock", Hook.EXIT, "spinLocked", SpinLock.class);
            on("spin_lock", Hook.THROWN, "forget");
            on("spin_lock_nested", Hook.ENTRY, "waiting");
            on("spin_lock_nested", Hook.EXIT, "spinLocked", SpinLock.class);
            on("spin_lock_nested", Hook.THROWN, "forget");
        }
    }

    private void contended(LockClass lockClass, long nanos) {
        ThreadTrace thread = threads.enter();
        if (thread != null && thread.fault != null) {
            if (lockClass.rank() == LockRank.MMAP_LOCK) {
                thread.fault.mmapLockNanos += nanos;
            } else {
                thread.fault.ptlNanos += nanos;
            }
        }
    }

    private void waiting() {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            thread.push(thread.tick(threads.session()), 0);
        }
    }

    private void forget() {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            thread.pop();
        }
    }

    private void readLocked(RwSemaphore lock) {
        locked(lock, read, 1);
    }

    private void writeLocked(RwSemaphore lock) {
        locked(lock, write, 1);
    }

    private void locked(RwSemaphore lock, int mode, long success) {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            long begun = thread.pop();
            mmapLock(thread, Events.MMAP_LOCK, lock, mode, begun < 0 ? 0 : begun, success);
        }
    }

    private void readTried(boolean success, RwSemaphore lock) {
        tried(lock, read, success);
    }

    private void writeTried(boolean success, RwSemaphore lock) {
        tried(lock, write, success);
    }

    private void tried(RwSemaphore lock, int mode, boolean success) {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            mmapLock(thread, Events.MMAP_LOCK, lock, mode, 0, success ? 1 : 0);
        }
    }

    private void readReleased(RwSemaphore lock) {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            mmapLock(thread, Events.MMAP_UNLOCK, lock, read, 0, 1);
        }
    }

    private void writeReleased(RwSemaphore lock) {
        ThreadTrace thread = threads.enter();
        if (thread != null) {
            mmapLock(thread, Events.MMAP_UNLOCK, lock, write, 0, 1);
        }
    }

    private void mmapLock(ThreadTrace thread, EventType type, RwSemaphore lock, int mode, long begun, long success) {
        if (lock.lockClass().rank() != LockRank.MMAP_LOCK) {
            return;
        }
        long now = thread.tick(threads.session());
        long[] record = threads.record(thread, type, now, begun == 0 ? 0 : now - begun);
        record[EventType.FIRST] = numbers.of(lock);
        record[EventType.FIRST + 1] = mode;
        record[EventType.FIRST + 2] = success;
        threads.emit(thread);
    }

    private void spinLocked(SpinLock lock) {
        ThreadTrace thread = threads.enter();
        long begun = thread == null ? -1 : thread.pop();
        if (begun >= 0) {
            long now = thread.tick(threads.session());
            long[] record = threads.record(thread, Events.SPIN_LOCK, now, now - begun);
            record[EventType.FIRST] = numbers.of(lock);
            record[EventType.FIRST + 1] =
                    threads.strings().number(lock.lockClass().name());
            threads.emit(thread);
        }
    }
}
