package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import java.util.ArrayList;
import java.util.List;

/**
 * What one operation on mappings has to tell to userfaultfds: collected under the mmap lock, told after it has been let
 * go, since whoever reads may need the lock for what it does about it.
 *
 * <p>From collecting to telling, nobody can put pages into the address space by the descriptor (EAGAIN): who reads must
 * not do so for a layout that is gone.
 */
public final class UserfaultEvents {
    /** What an address space refers to while nothing has been collected: most operations need no list. */
    private static final Object NOTHING = new Object();

    private final List<UserfaultEvent> events = new ArrayList<>(2);

    /** An operation on {@code mm} begins that ends with {@link #end}. */
    @RequiresLock("MMAP_LOCK")
    public static void begin(MmStruct mm) {
        mm.setUserfaultEvents(NOTHING);
    }

    /** Collects no more. @return what to {@link #tell} after the lock has been let go; null for nothing */
    @RequiresLock("MMAP_LOCK")
    public static UserfaultEvents end(MmStruct mm) {
        Object collected = mm.userfaultEvents();
        mm.setUserfaultEvents(null);
        return collected instanceof UserfaultEvents events ? events : null;
    }

    /**
     * Mappings of {@code [start, end)} are being removed, {@code vma} among them; once told for each context and range.
     */
    @KernelFunction(value = "userfaultfd_unmap_prep", file = "fs/userfaultfd.c")
    @RequiresLock("MMAP_LOCK")
    public static void unmapping(MmStruct mm, Vma vma, long start, long end) {
        if (mm.userfaultEvents() == null || !wants(vma, UserfaultFeatures.EVENT_UNMAP)) {
            return;
        }
        Userfault context = (Userfault) vma.userfault();
        UserfaultEvents collected = of(mm);
        for (UserfaultEvent e : collected.events) {
            if (e.context == context && e.type() == UserfaultEvent.UNMAP && e.first() == start && e.second() == end) {
                return;
            }
        }
        collected.add(UserfaultEvent.range(context, UserfaultEvent.UNMAP, start, end));
    }

    /** A mapping has been moved and stays registered. */
    @KernelFunction(value = "mremap_userfaultfd_complete", file = "fs/userfaultfd.c")
    @RequiresLock("MMAP_LOCK")
    public static void moved(MmStruct mm, Userfault context, long from, long to, long length) {
        if (mm.userfaultEvents() != null) {
            of(mm).add(UserfaultEvent.remap(context, from, to, length));
        }
    }

    private static UserfaultEvents of(MmStruct mm) {
        if (!(mm.userfaultEvents() instanceof UserfaultEvents)) {
            mm.setUserfaultEvents(new UserfaultEvents());
        }
        return (UserfaultEvents) mm.userfaultEvents();
    }

    /** A mapping of {@code context} has been copied for a child. @return the context for the copy */
    @KernelFunction(value = "dup_userfaultfd", file = "fs/userfaultfd.c")
    @RequiresLock("MMAP_LOCK")
    public Userfault forked(Userfault context, MmStruct childMm) {
        for (UserfaultEvent e : events) {
            if (e.context == context) {
                return e.child();
            }
        }
        Userfault child = context.forChild(childMm);
        add(UserfaultEvent.fork(context, child));
        return child;
    }

    /** Pages of a part of a mapping are about to go; to be told before. */
    @KernelFunction(value = "userfaultfd_remove", file = "fs/userfaultfd.c")
    public void removing(Vma vma, long start, long end) {
        add(UserfaultEvent.range((Userfault) vma.userfault(), UserfaultEvent.REMOVE, start, end));
    }

    private void add(UserfaultEvent event) {
        event.context.changingBegins();
        events.add(event);
    }

    /** Whether the mapping is registered with one that wants to hear of that. */
    public static boolean wants(Vma vma, long feature) {
        return vma.userfault() instanceof Userfault context && (context.features() & feature) != 0;
    }

    /** As {@link #tell(UserfaultSleeper)} what {@link #end} returned. */
    public static void tell(UserfaultEvents collected, FaultContext ctx) {
        if (collected != null) {
            collected.tell(ctx == null ? null : ctx.sleeper);
        }
    }

    /**
     * Tells all, and waits for each to be read. No lock is held.
     *
     * @param sleeper how the calling task waits; null for a caller that cannot, whose events nobody hears of
     */
    @KernelFunction(value = "userfaultfd_unmap_complete", file = "fs/userfaultfd.c")
    public void tell(UserfaultSleeper sleeper) {
        for (UserfaultEvent event : events) {
            if (sleeper != null) {
                event.context.tell(event, sleeper);
            }
            event.context.changingEnds();
        }
    }
}
