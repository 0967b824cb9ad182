package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.mm.MmStruct;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Faults of one address space that user space resolves: the queue between those who fault and who reads of it. Events
 * wait in a queue of their own, see {@link UserfaultEvents}.
 *
 * <p>A fault enters the queue while it holds the mmap lock for reading, then looks at its page-table entry once more,
 * then sleeps without any lock. Who provides the page changes the entry first and wakes afterwards. So either the fault
 * sees the new entry, or its place in the queue is seen by the waker ({@code UserfaultRaceTest}). A woken task faults
 * again from the start.
 *
 * <p>{@link #lock} guards the queues; nothing of this package is taken inside. A mapping refers to the context it is
 * registered with.
 */
@KernelFunction("userfaultfd_ctx")
public final class Userfault {
    /** Flags of a fault as its message has them (UFFD_PAGEFAULT_FLAG). */
    public static final int FLAG_WRITE = 1;

    public static final int FLAG_WP = 2;
    /** The page is there, only not mapped. */
    public static final int FLAG_MINOR = 4;

    private static final LockClass USERFAULT_LOCK = new LockClass("userfault", LockRank.USERFAULT_LOCK);

    private final SpinLock lock = new SpinLock(USERFAULT_LOCK);
    private final MmStruct mm;
    private final boolean userModeOnly;
    private volatile long features;
    private volatile boolean released;
    private final ArrayDeque<UserfaultWait> pending = new ArrayDeque<>();
    private final List<UserfaultWait> told = new ArrayList<>();
    private final ArrayDeque<UserfaultEvent> events = new ArrayDeque<>();
    private final AtomicInteger changing = new AtomicInteger();
    private volatile boolean anyPending;
    private Runnable onChange = () -> {};

    /**
     * @param mm the address space of the task that made it
     * @param userModeOnly the kernel's own accesses are refused, not waited for (UFFD_USER_MODE_ONLY)
     */
    public Userfault(MmStruct mm, boolean userModeOnly) {
        this.mm = mm;
        this.userModeOnly = userModeOnly;
    }

    /** The address space whose faults it answers. */
    public MmStruct mm() {
        return mm;
    }

    /** The context of a forked child's mappings. */
    Userfault forChild(MmStruct childMm) {
        Userfault child = new Userfault(childMm, userModeOnly);
        child.features = features;
        return child;
    }

    /** Features in force: a set of {@link UserfaultFeatures}. */
    public long features() {
        return features;
    }

    /** Sets the features that UFFDIO_API agreed on. */
    public void setFeatures(long chosen) {
        features = chosen;
    }

    /** Who is told, under the lock, that there may be something to read now, or nothing any more. */
    public void setListener(Runnable listener) {
        lock.lock();
        try {
            onChange = listener;
        } finally {
            lock.unlock();
        }
    }

    boolean refusesKernel() {
        return userModeOnly;
    }

    boolean isReleased() {
        return released;
    }

    /** Whether a fault or an event waits that nobody has read of. */
    public boolean hasPending() {
        return anyPending;
    }

    /** The next fault that nobody has read of, or null; from now on it only waits to be woken. */
    @KernelFunction(value = "userfaultfd_ctx_read", file = "fs/userfaultfd.c")
    public UserfaultWait next() {
        lock.lock();
        try {
            UserfaultWait wait = pending.poll();
            if (wait != null) {
                told.add(wait);
                changed();
            }
            return wait;
        } finally {
            lock.unlock();
        }
    }

    void enter(UserfaultWait wait) {
        lock.lock();
        try {
            pending.add(wait);
            changed();
        } finally {
            lock.unlock();
        }
    }

    /** The task goes on, woken or not. */
    void leave(UserfaultWait wait) {
        lock.lock();
        try {
            if (!told.remove(wait) && pending.remove(wait)) {
                changed();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Wakes whoever waits for a page of the range. */
    @KernelFunction(value = "wake_userfault", file = "fs/userfaultfd.c")
    public void wake(long start, long end) {
        lock.lock();
        try {
            boolean any = wake(pending, start, end);
            wake(told, start, end);
            if (any) {
                changed();
            }
        } finally {
            lock.unlock();
        }
    }

    // ---- events ----

    /** Mappings change; until {@link #changingEnds} nobody may put pages into them. */
    void changingBegins() {
        changing.incrementAndGet();
    }

    void changingEnds() {
        changing.decrementAndGet();
    }

    /** Whether something has happened to the mappings that has not been read of yet. */
    public boolean isChanging() {
        return changing.get() != 0;
    }

    /** Queues an event and waits until it has been read, or the descriptor closed, or the task is to end. */
    @KernelFunction(value = "userfaultfd_event_wait_completion", file = "fs/userfaultfd.c")
    void tell(UserfaultEvent event, UserfaultSleeper sleeper) {
        lock.lock();
        try {
            if (released) {
                return;
            }
            event.sleeper = sleeper;
            events.add(event);
            changed();
        } finally {
            lock.unlock();
        }
        sleeper.sleep(() -> event.done || released, false);
        lock.lock();
        try {
            if (events.remove(event)) {
                changed();
            }
        } finally {
            lock.unlock();
        }
    }

    /** The next event, or null. It stays in the queue until {@link #finish}. */
    public UserfaultEvent nextEvent() {
        lock.lock();
        try {
            return events.peek();
        } finally {
            lock.unlock();
        }
    }

    /** The event has been read. @return false when another reader was first, or nobody waits any more */
    @KernelFunction(value = "userfaultfd_event_complete", file = "fs/userfaultfd.c")
    public boolean finish(UserfaultEvent event) {
        lock.lock();
        try {
            if (!events.remove(event)) {
                return false;
            }
            changed();
            event.done = true;
            event.sleeper.wake();
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void changed() {
        anyPending = !pending.isEmpty() || !events.isEmpty();
        onChange.run();
    }

    private static boolean wake(Iterable<UserfaultWait> waits, long start, long end) {
        boolean any = false;
        for (var at = waits.iterator(); at.hasNext(); ) {
            UserfaultWait wait = at.next();
            if (wait.address >= start && wait.address < end) {
                at.remove();
                wait.done = true;
                wait.sleeper.wake();
                any = true;
            }
        }
        return any;
    }

    /** The descriptor is closed: nobody waits any more, and no fault comes here once the mappings have been let go. */
    public void release() {
        released = true;
        wake(0, Long.MAX_VALUE);
        lock.lock();
        try {
            events.forEach(event -> event.sleeper.wake());
        } finally {
            lock.unlock();
        }
    }
}
