package faultline.emulator.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Hears of the host's descriptors what it tells their owner by a signal: O_ASYNC, F_NOTIFY and broken leases.
 *
 * <p>One thread is the owner of all of them (F_SETOWN_EX). It blocks the real-time signal that it asked for (F_SETSIG)
 * and takes it by rt_sigtimedwait(2), descriptor and band included, so that no handler runs anywhere. What the thread
 * is asked to do comes by the same signal: signals of one number are taken in the order in which they were sent, so
 * that everything heard before is passed on before.
 */
public final class AsyncSignals {
    /** Neither libc (32, 33), nor the Java machine (62), nor {@link Interruption} uses it. */
    private static final int SIGNAL = 42;

    private static final int SIGURG = 23;
    private static final int SIGIO = 29;
    private static final int SI_QUEUE = -1;
    private static final int SIGINFO_BYTES = 128;
    private static final int MASK_BYTES = 8;
    private static final int F_SETSIG = 10;
    private static final int F_SETOWN_EX = 15;
    private static final int F_OWNER_TID = 0;

    private static final Map<Integer, Listener> LISTENERS = new ConcurrentHashMap<>();
    private static final Queue<Runnable> REQUESTS = new ConcurrentLinkedQueue<>();

    /** Who wants to know of a descriptor. */
    @FunctionalInterface
    public interface Listener {
        /**
         * Something has happened. Called by one thread alone, which must not be held up.
         *
         * @param code {@code si_code}, POLL_IN and the like
         * @param band {@code si_band}, bits of poll(2)
         */
        void ready(int code, long band);
    }

    /** Made with the first use, and there for good. */
    private static final class Owner {
        static final long PROCESS = Libc.call(Nr.GETPID);
        static final long TID = start();
    }

    private AsyncSignals() {}

    /** Tells a listener of a descriptor from now on. The host is told of no event by this alone. */
    public static void listen(int fd, Listener listener) {
        LISTENERS.put(fd, listener);
        // by the owner itself, for the host compares its ids with those of whoever made it the owner
        onOwner(() -> {
            MemorySegment owner = HostScratch.get().struct();
            owner.set(ValueLayout.JAVA_INT, 0, F_OWNER_TID);
            owner.set(ValueLayout.JAVA_INT, 4, (int) Owner.TID);
            Libc.call(Nr.FCNTL, fd, F_SETOWN_EX, owner.address());
            Libc.call(Nr.FCNTL, fd, F_SETSIG, SIGNAL);
        });
    }

    /** The descriptor is about to be closed. */
    public static void forget(int fd) {
        LISTENERS.remove(fd);
    }

    /** Waits until all that the host has signalled so far is passed on. Returns at once when nobody listens. */
    public static void settle() {
        if (!LISTENERS.isEmpty()) {
            onOwner(() -> {});
        }
    }

    private static void onOwner(Runnable work) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        long tid = Owner.TID;
        REQUESTS.add(() -> {
            work.run();
            done.complete(null);
        });
        MemorySegment info = HostScratch.get().struct();
        info.asSlice(0, SIGINFO_BYTES).fill((byte) 0);
        info.set(ValueLayout.JAVA_INT, 0, SIGNAL);
        info.set(ValueLayout.JAVA_INT, 8, SI_QUEUE);
        long error = Libc.call(Nr.RT_TGSIGQUEUEINFO, Owner.PROCESS, tid, SIGNAL, info.address());
        if (error < 0) {
            throw new IllegalStateException("the host queues no signal: errno " + -error);
        }
        done.join();
    }

    private static long start() {
        CompletableFuture<Long> tid = new CompletableFuture<>();
        Thread thread = new Thread(() -> hear(tid), "faultline-sigio");
        thread.setDaemon(true);
        thread.start();
        return tid.join();
    }

    private static void hear(CompletableFuture<Long> tid) {
        MemorySegment set = Arena.ofAuto().allocate(MASK_BYTES, 8);
        MemorySegment info = Arena.ofAuto().allocate(SIGINFO_BYTES, 8);
        // SIGIO comes in place of a signal that finds no room in the queue; SIGURG has no descriptor to tell of
        set.set(ValueLayout.JAVA_LONG, 0, 1L << SIGNAL - 1 | 1L << SIGIO - 1 | 1L << SIGURG - 1);
        Libc.call(Nr.RT_SIGPROCMASK, 0, set.address(), 0, MASK_BYTES);
        tid.complete(Libc.call(Nr.GETTID));
        while (true) {
            if (Libc.call(Nr.RT_SIGTIMEDWAIT, set.address(), info.address(), 0, MASK_BYTES) != SIGNAL) {
                continue;
            }
            int code = info.get(ValueLayout.JAVA_INT, 8);
            if (code == SI_QUEUE) {
                REQUESTS.remove().run();
                continue;
            }
            Listener listener = LISTENERS.get(info.get(ValueLayout.JAVA_INT, 24));
            if (listener != null) {
                listener.ready(code, info.get(ValueLayout.JAVA_LONG, 16));
            }
        }
    }
}
