package faultline.emulator.syscall.file;

import faultline.emulator.task.WaitQueue;
import faultline.mmu.annotation.KernelFunction;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One completion queue of asynchronous input and output (Linux: {@code kioctx}): requests in flight, and events that
 * nobody has fetched yet. Together they are as many as the queue has places.
 *
 * <p>The monitor guards everything. Who waits for events is woken by each, and when the queue is destroyed.
 */
final class AioContext {
    /** Bytes of {@code struct io_event}. */
    static final int EVENT_SIZE = 32;

    /** Bytes of the ring's head (struct aio_ring). */
    private static final int RING_HEAD = 32;

    private static final int PAGE = 4096;
    /** As Linux has it for one processor. */
    private static final int LEAST_REQUESTS = 4;

    /**
     * What became of a request.
     *
     * @param data the program's own word
     * @param object address of the request's {@code struct iocb}
     * @param result as the call would have returned it
     */
    record Event(long data, long object, long result) {}

    private final long id;
    private final long bytes;
    private final int places;
    private final Deque<Event> events = new ArrayDeque<>();
    private final Map<Long, AioPoll> polls = new TreeMap<>();
    private final WaitQueue waiters = new WaitQueue();
    private int active;
    private boolean dead;

    /**
     * @param id the address of the ring, which is what programs know the queue by
     * @param bytes of the ring
     */
    AioContext(long id, long bytes) {
        this.id = id;
        this.bytes = bytes;
        this.places = (int) ((bytes - RING_HEAD) / EVENT_SIZE);
    }

    /** Bytes of the ring of a queue for at least so many requests. */
    @KernelFunction(value = "aio_setup_ring", file = "fs/aio.c")
    static long ringBytes(int requests) {
        long places = 2L * Math.max(requests, LEAST_REQUESTS) + 2;
        return (RING_HEAD + places * EVENT_SIZE + PAGE - 1) & -PAGE;
    }

    long id() {
        return id;
    }

    /** Of the ring. */
    long bytes() {
        return bytes;
    }

    int places() {
        return places;
    }

    WaitQueue waiters() {
        return waiters;
    }

    /** Takes a place for a request. Returns false when there is none: EAGAIN. */
    synchronized boolean reserve() {
        if (dead || active + events.size() >= places - 1) {
            return false;
        }
        active++;
        return true;
    }

    /** A request was refused: its place is free again. */
    synchronized void unreserve() {
        active--;
    }

    /** A request is done. */
    @KernelFunction(value = "aio_complete", file = "fs/aio.c")
    void complete(Event event) {
        synchronized (this) {
            active--;
            polls.remove(event.object());
            events.add(event);
        }
        waiters.wakeAll();
    }

    /** Fetches up to {@code most} events. */
    @KernelFunction(value = "aio_read_events_ring", file = "fs/aio.c")
    synchronized List<Event> take(long most) {
        List<Event> taken = new ArrayList<>();
        while (taken.size() < most && !events.isEmpty()) {
            taken.add(events.remove());
        }
        return taken;
    }

    synchronized void add(AioPoll poll) {
        polls.put(poll.object(), poll);
    }

    /** The request at an address that is still waiting; null when there is none. */
    synchronized AioPoll find(long object) {
        return polls.get(object);
    }

    synchronized boolean isDead() {
        return dead;
    }

    /** No more requests; those that wait are given up. */
    @KernelFunction(value = "kill_ioctx", file = "fs/aio.c")
    void kill() {
        List<AioPoll> waiting;
        synchronized (this) {
            dead = true;
            waiting = List.copyOf(polls.values());
        }
        waiting.forEach(AioPoll::cancel);
        waiters.wakeAll();
    }
}
