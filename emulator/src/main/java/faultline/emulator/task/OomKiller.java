package faultline.emulator.task;

import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.memcg.MemCgroup;
import faultline.mmu.memcg.PageCounter;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.phys.FrameAllocator;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kills a process when memory and swap are used up, so that the others can go on.
 *
 * <p>The one that goes has the most points: pages in memory and in swap, and page tables, with a share of the machine
 * added or taken off as its oom_score_adj says; -1000 exempts. One that calls swapoff(2) goes before all others. The
 * task that found no memory waits, where it stands, until the victim has given its memory back; if it is of the victim
 * itself, or waiting is in vain, its allocation fails. Only one victim dies at a time.
 */
public final class OomKiller {
    private static final Logger LOG = LoggerFactory.getLogger(OomKiller.class);

    private static final int EXEMPT = -1000;
    private static final long NO_POINTS = Long.MIN_VALUE;
    private static final long MOST_POINTS = Long.MAX_VALUE;
    private static final long LOOK_AGAIN_NANOS = 200_000;
    /**
     * The victim may need a lock that the waiting task holds; then this one lets go, and tries again from where it
     * began.
     */
    private static final int LOOKS = 2_000;

    private final Kernel kernel;
    private final AtomicLong kills = new AtomicLong();
    /** Guarded by this. */
    private Process victim;

    /** Its memory when it was chosen: until that has been given back nobody else dies. Guarded by this. */
    private UserSpace dying;

    OomKiller(Kernel kernel) {
        this.kernel = kernel;
    }

    /** Processes killed so far. */
    public long kills() {
        return kills.get();
    }

    /**
     * The calling thread wants a frame, and there is none.
     *
     * @param order log2 of the number of adjoining frames that it wants
     * @return whether memory has been given back
     */
    @KernelFunction(value = "out_of_memory", file = "mm/oom_kill.c")
    boolean outOfMemory(int order) {
        FrameAllocator allocator = kernel.memory().phys().allocator();
        return outOfMemory(null, () -> allocator.hasFree(order));
    }

    /** As {@link #outOfMemory(int)} for a control group that may have no more. @param pages how many are wanted */
    @KernelFunction(value = "mem_cgroup_out_of_memory", file = "mm/memcontrol.c")
    boolean outOfMemory(MemCgroup group, long pages) {
        PageCounter memory = group.memory();
        return outOfMemory(group, () -> memory.max() - memory.usage() >= pages);
    }

    private boolean outOfMemory(MemCgroup group, BooleanSupplier hasRoom) {
        Task asking = Task.currentOrNull();
        if (asking == null || kernel.cpu().owner() == asking) {
            // Inside guest code nobody else could run, and end: the fault is tried again outside of it. With a seed a
            // task has the processor there as well: whom a group's limit kills ends while the fault is tried again.
            if (asking != null
                    && group != null
                    && kernel.isDeterministic()
                    && !asking.process().group().exiting()) {
                findVictim(asking.process(), group);
            }
            return false;
        }
        UserSpace own = asking.process().space();
        UserSpace ending;
        synchronized (this) {
            if (asking.process().group().exiting()) {
                return false;
            }
            // What a victim gave back after this task had looked for the last time: a second one must not die for it
            // (MemoryPressureTest: the adjustment chooses another victim first).
            if (!isDying(group) && hasRoom.getAsBoolean()) {
                return true;
            }
            ending = findVictim(asking.process(), group);
        }
        return ending != null && ending != own && waitFor(ending, asking);
    }

    /** Whether memory is still to come from the last victim. @param group of which it must be */
    private synchronized boolean isDying(MemCgroup group) {
        return victim != null && !dying.isReleased() && isIn(victim, group);
    }

    /** Returns the memory of the process that is on its way out; null when there is none that may be killed. */
    @KernelFunction(value = "oom_kill_process", file = "mm/oom_kill.c")
    private synchronized UserSpace findVictim(Process asking, MemCgroup group) {
        if (isDying(group)) {
            return dying;
        }
        Process chosen = choose(group);
        if (chosen == null && group != null) {
            return null;
        }
        victim = chosen == null ? asking : chosen;
        dying = victim.space();
        if (!willFreeMemory(victim)) {
            kill(victim);
            killGroupOf(victim, group);
        }
        return dying;
    }

    /** Whether a process, and whoever has the same memory, ends without being killed. */
    @KernelFunction(value = "task_will_free_mem", file = "mm/oom_kill.c")
    private boolean willFreeMemory(Process chosen) {
        for (Process process : kernel.processes().values()) {
            boolean concerned = process.space() == chosen.space() && !process.zombie();
            boolean ends = process.group().exiting() || process.tasks().isEmpty();
            if (concerned && (!ends || process.dump() != null)) {
                return false;
            }
        }
        return true;
    }

    /** Kills a process, and whoever has the same memory. */
    @KernelFunction(value = "__oom_kill_process", file = "mm/oom_kill.c")
    private void kill(Process chosen) {
        kills.incrementAndGet();
        report(chosen);
        MemCgroup charged = chosen.cgroup().effectiveMemory();
        if (charged != null) {
            charged.count(MemCgroup.Event.OOM_KILL);
        }
        UserSpace space = chosen.space();
        for (Process process : kernel.processes().values()) {
            if (process == chosen || process.space() == space && space != null && !process.zombie()) {
                SignalSender.exitGroup(process, Signals.SIGKILL);
            }
        }
    }

    /** With memory.oom.group of the process' group, or of one above it up to {@code domain}, all in that group go. */
    @KernelFunction(value = "mem_cgroup_get_oom_group", file = "mm/memcontrol.c")
    private void killGroupOf(Process chosen, MemCgroup domain) {
        MemCgroup together = null;
        for (MemCgroup at = chosen.cgroup().effectiveMemory(); at != null; at = at == domain ? null : at.parent()) {
            together = at.oomGroup() ? at : together;
        }
        if (together == null) {
            return;
        }
        together.count(MemCgroup.Event.OOM_GROUP_KILL);
        for (Process process : kernel.processes().values()) {
            boolean goes = isIn(process, together) && process.oomScoreAdj() != EXEMPT;
            if (goes && !process.zombie() && !process.group().exiting()) {
                kill(process);
            }
        }
    }

    /** Whether a process is of a group, or of one below it. @param group null for the root */
    private static boolean isIn(Process process, MemCgroup group) {
        MemCgroup own = group == null ? null : process.cgroup().effectiveMemory();
        return group == null || own != null && own.isIn(group);
    }

    @KernelFunction(value = "select_bad_process", file = "mm/oom_kill.c")
    private Process choose(MemCgroup group) {
        Process chosen = null;
        long most = NO_POINTS;
        for (int pid : kernel.processes().keySet().stream()
                .mapToInt(Integer::intValue)
                .sorted()
                .toArray()) {
            Process process = kernel.processes().get(pid);
            boolean eligible = process != null && !process.zombie() && isIn(process, group);
            long points = eligible ? evaluate(process, group) : NO_POINTS;
            if (points != NO_POINTS && points >= most) {
                chosen = process;
                most = points;
            }
        }
        return chosen;
    }

    @KernelFunction(value = "oom_evaluate_task", file = "mm/oom_kill.c")
    private long evaluate(Process process, MemCgroup group) {
        return process.isOomOrigin() ? MOST_POINTS : badness(process, totalPages(group));
    }

    /** Points of a process; {@link #NO_POINTS} for one that must not be killed. */
    @KernelFunction(value = "oom_badness", file = "mm/oom_kill.c")
    private static long badness(Process process, long totalPages) {
        UserSpace space = process.space();
        if (space == null || space.isReleased() || process.oomScoreAdj() == EXEMPT) {
            return NO_POINTS;
        }
        MmStruct mm = space.mm();
        long points = mm.rssPages() + mm.rss(MmStruct.SWAPENTS) + (mm.pageTableBytes() >>> 12);
        return points + process.oomScoreAdj() * (totalPages / 1000);
    }

    /** What there is of memory and swap, for a group as far as its limits go. */
    @KernelFunction(value = "constrained_alloc", file = "mm/oom_kill.c")
    private long totalPages(MemCgroup group) {
        long swap = kernel.memory().swap().totalSlots();
        long frames = kernel.memory().phys().frameCount();
        return group == null
                ? frames + swap
                : Math.min(frames, group.memory().max())
                        + Math.min(swap, group.swap().max());
    }

    /** What /proc/PID/oom_score shows. */
    @KernelFunction(value = "proc_oom_score", file = "fs/proc/base.c")
    public long score(Process process) {
        long total = totalPages(null);
        long points = badness(process, total);
        return points == NO_POINTS ? 0 : Math.max(0, (1000 + points * 1000 / total) * 2 / 3);
    }

    private static void report(Process process) {
        UserSpace space = process.space();
        MmStruct mm = space == null ? null : space.mm();
        LOG.warn(
                "Out of memory: Killed process {} ({}) total-vm:{}kB, anon-rss:{}kB, file-rss:{}kB, shmem-rss:{}kB, UID:{}"
                        + " pgtables:{}kB oom_score_adj:{}",
                process.pid(),
                process.leader().name(),
                mm == null ? 0 : mm.totalVm() << 2,
                mm == null ? 0 : mm.rss(MmStruct.ANONPAGES) << 2,
                mm == null ? 0 : mm.rss(MmStruct.FILEPAGES) << 2,
                mm == null ? 0 : mm.rss(MmStruct.SHMEMPAGES) << 2,
                process.kernel().uid(),
                mm == null ? 0 : mm.pageTableBytes() >>> 10,
                process.oomScoreAdj());
    }

    private static boolean waitFor(UserSpace ending, Task asking) {
        for (int i = 0; i < LOOKS; i++) {
            if (ending.isReleased()) {
                return true;
            }
            asking.parkUninterruptibly(LOOK_AGAIN_NANOS);
        }
        return ending.isReleased();
    }
}
