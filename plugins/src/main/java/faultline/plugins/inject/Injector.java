package faultline.plugins.inject;

import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.plugins.guest.GuestView;
import faultline.plugins.weave.Attachment;
import faultline.plugins.weave.Hook;
import faultline.plugins.weave.ProbeSite;
import faultline.plugins.weave.SiteInfo;
import faultline.plugins.weave.SiteRegistry;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Makes injection points fail as a list of {@link FailSpec}s says, and remembers what it did. Also counts the hits of
 * every point, failing or not, which is what {@code inject list PROGRAM} shows and a campaign starts from.
 *
 * <p>Only calls made by a guest's task count: setting the machine up and taking it down must not fail.
 */
public final class Injector implements AutoCloseable {
    private static final long PAGE_SIZE = 4096;
    /** Failures that the guest itself asks for through its fail-nth. */
    private static final FailSpec BY_GUEST = FailSpec.parse("*");

    private static final Set<String> NEVER_FAIL = Set.of("exit", "exit_group", "rt_sigreturn");
    /** Id of the one point that stands for all system calls: each is {@code sys/NAME}. */
    private static final String SYSCALLS = "sys";

    private static final MethodHandle DECIDE;
    private static final MethodHandle DECIDE_SYSCALL;

    static {
        try {
            DECIDE = MethodHandles.lookup()
                    .findVirtual(
                            Injector.class,
                            "decide",
                            MethodType.methodType(long.class, SiteInfo.class, long.class, int.class, long.class));
            DECIDE_SYSCALL = MethodHandles.lookup()
                    .findVirtual(
                            Injector.class,
                            "decideSyscall",
                            MethodType.methodType(long.class, SyscallTable.class, Task.class, long.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final List<FailKnobs> knobs;
    private final GuestView guest;
    private final Map<String, AtomicLong> hits = new ConcurrentSkipListMap<>();
    private final List<FiredFailure> fired = new ArrayList<>();
    private final Map<String, SiteInfo> syscalls = new ConcurrentHashMap<>();
    private final ThreadLocal<boolean[]> inside = ThreadLocal.withInitial(() -> new boolean[1]);
    private Attachment attachment;

    /**
     * @param specs all that may fail; the first that says so wins
     * @param seed of the probabilities
     */
    public Injector(List<FailSpec> specs, GuestView guest, long seed) {
        this.knobs = specs.stream().map(spec -> new FailKnobs(spec, seed)).toList();
        this.guest = guest;
    }

    /** Attaches to every injection point of a woven world. */
    public void attach(SiteRegistry registry) {
        attachment = registry.attach("fault injection", SiteInfo::injectable, this::hook);
    }

    private MethodHandle hook(ProbeSite site, Hook hook, MethodType type) {
        if (hook != Hook.INJECT) {
            return null;
        }
        SiteInfo info = site.info();
        if (info.injectId().equals(SYSCALLS)) {
            return DECIDE_SYSCALL.bindTo(this);
        }
        int receiver = info.isStatic() ? 0 : 1;
        int address = argument(info, type, receiver, long.class, "address", "addr", "uaddr", "start");
        int order = argument(info, type, receiver, int.class, "order");
        int length = argument(info, type, receiver, long.class, "len", "length");
        MethodHandle decide = DECIDE.bindTo(this).bindTo(info);
        if (length < 0) {
            decide = MethodHandles.insertArguments(decide, 2, 0L);
        }
        // what the site does not offer becomes a constant
        if (order < 0) {
            decide = MethodHandles.insertArguments(decide, 1, 0);
        }
        if (address < 0) {
            decide = MethodHandles.insertArguments(decide, 0, 0L);
        }
        int[] from = java.util.stream.IntStream.of(address, order, length)
                .filter(i -> i >= 0)
                .toArray();
        return MethodHandles.permuteArguments(decide, type, from);
    }

    private static int argument(SiteInfo info, MethodType type, int receiver, Class<?> kind, String... names) {
        for (String name : names) {
            int at = info.argumentNames().indexOf(name);
            if (at >= 0 && type.parameterType(at + receiver) == kind) {
                return at + receiver;
            }
        }
        return -1;
    }

    private long decide(SiteInfo point, long address, int order, long length) {
        boolean[] busy = inside.get();
        if (busy[0] || guest.tid() == GuestView.NO_TASK) {
            return ProbeSite.RUN_BODY;
        }
        busy[0] = true;
        try {
            String id = point.injectId();
            count(id);
            if (guest.hasFailNth() && !id.startsWith(SYSCALLS + "/")) {
                return leftToFailNth(point, id, order) && guest.countFailNth()
                        ? fire(point, id, BY_GUEST, hits.get(id).get(), length)
                        : ProbeSite.RUN_BODY;
            }
            for (FailKnobs each : knobs) {
                FailSpec spec = each.spec();
                if (spec.covers(id) && takes(spec, point, order) && concerns(spec, address)) {
                    long hit = each.hit(PAGE_SIZE << order);
                    if (hit != 0) {
                        return fire(point, id, spec, hit, length);
                    }
                }
            }
            return ProbeSite.RUN_BODY;
        } finally {
            busy[0] = false;
        }
    }

    private long decideSyscall(SyscallTable table, Task task, long number) {
        return decideSyscall(table.name(number));
    }

    /**
     * Decides about a system call that is about to be run; its point is {@code sys/NAME}. What cannot be left undone,
     * since the task does not come back from it or its result is no result, never fails.
     *
     * @return its result, or {@link ProbeSite#RUN_BODY}
     */
    long decideSyscall(String name) {
        if (NEVER_FAIL.contains(name)) {
            return ProbeSite.RUN_BODY;
        }
        SiteInfo point = syscalls.computeIfAbsent(
                name,
                n -> new SiteInfo(n, "", "", "syscall." + n, "()J", true, List.of(), SYSCALLS + "/" + n, -12, false));
        return decide(point, 0, 0, 0);
    }

    private void count(String id) {
        AtomicLong counter = hits.get(id);
        if (counter == null) {
            counter = hits.computeIfAbsent(id, k -> new AtomicLong());
        }
        counter.getAndIncrement();
    }

    /**
     * Whether the spec is about such an allocation: what Linux calls settings of the capability, not of the attributes.
     */
    private static boolean takes(FailSpec spec, SiteInfo point, int order) {
        return order >= spec.minOrder() && !(spec.ignoreGfpWait() && point.mayWait());
    }

    /** Whether the guest's own fail-nth counts the call: specs about the point may leave such calls out. */
    private boolean leftToFailNth(SiteInfo point, String id, int order) {
        for (FailKnobs each : knobs) {
            FailSpec spec = each.spec();
            if (spec.covers(id) && !(takes(spec, point, order) && comesThrough(spec))) {
                return false;
            }
        }
        return true;
    }

    private boolean concerns(FailSpec spec, long address) {
        return Long.compareUnsigned(address, spec.addressFrom()) >= 0
                && Long.compareUnsigned(address, spec.addressTo()) <= 0
                && (!spec.taskFilter() || guest.makeItFail())
                && (spec.task() == null
                        || spec.task().matches(guest.comm())
                        || spec.task().matches(Integer.toString(guest.tid())))
                && (spec.syscall() == null || spec.syscall().matches(guest.syscall()))
                && (spec.vma() == null || spec.vma().matches(guest.vma(address)))
                && comesThrough(spec);
    }

    /**
     * Whether the call comes through a function that is required and none that is rejected: {@code fail_stacktrace()}.
     */
    private static boolean comesThrough(FailSpec spec) {
        boolean found = spec.caller() == null;
        if (spec.depth() == 0 || found && spec.reject() == null) {
            return found;
        }
        for (String function : KernelStack.functions(spec.depth())) {
            if (spec.reject() != null && spec.reject().matches(function)) {
                return false;
            }
            found = found || spec.caller().matches(function);
        }
        return found;
    }

    private long fire(SiteInfo point, String id, FailSpec spec, long hit, long length) {
        long error = spec.error() == FailSpec.POINTS_OWN ? point.injectError() : spec.error();
        if (error > 0) {
            error = length; // nothing was copied
        }
        boolean stacks = spec.verbose() > 1;
        var failure = new FiredFailure(
                id,
                point.shortLocation(),
                hit,
                guest.tid(),
                guest.comm(),
                guest.syscall(),
                result(point, error),
                stacks ? KernelStack.functions(KernelStack.MAX_DEPTH) : List.of(),
                stacks ? guest.stack() : List.of(),
                spec.verbose() > 0);
        synchronized (fired) {
            fired.add(failure);
        }
        boolean condition = point.returnType().equals("boolean");
        return condition ? 0 : error;
    }

    private static String result(SiteInfo point, long error) {
        return switch (point.returnType()) {
            case "boolean" -> "false";
            case "int", "long", "short", "byte", "char" ->
                point.injectError() == -1 && error == -1 ? "none" : ErrnoNames.result(error);
            case "void" -> "nothing";
            default -> "null";
        };
    }

    /** Whether anything has failed yet. */
    boolean hasFired() {
        synchronized (fired) {
            return !fired.isEmpty();
        }
    }

    /** What has failed so far, in order. */
    public List<FiredFailure> fired() {
        synchronized (fired) {
            return List.copyOf(fired);
        }
    }

    /** Calls of each point by guest tasks, failing or not. */
    public Map<String, Long> hits() {
        var counts = new java.util.TreeMap<String, Long>();
        hits.forEach((id, count) -> counts.put(id, count.get()));
        return counts;
    }

    /** Detaches; what has been counted stays. */
    @Override
    public void close() {
        if (attachment != null) {
            attachment.close();
        }
    }
}
