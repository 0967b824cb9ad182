package faultline.plugins.inject;

import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.plugins.weave.Attachment;
import faultline.plugins.weave.Hook;
import faultline.plugins.weave.ProbeSite;
import faultline.plugins.weave.SiteRegistry;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Map;
import java.util.TreeMap;

/** What the guest got to see: system calls that answered with an error while failures were injected. */
public final class GuestOutcome implements AutoCloseable {
    private static final MethodHandle ENTER;
    private static final MethodHandle EXIT;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            ENTER = lookup.findVirtual(
                    GuestOutcome.class,
                    "enter",
                    MethodType.methodType(void.class, SyscallTable.class, Task.class, long.class));
            EXIT = lookup.findVirtual(GuestOutcome.class, "exit", MethodType.methodType(void.class, long.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final ThreadLocal<String[]> current = ThreadLocal.withInitial(() -> new String[1]);
    private final Map<String, Integer> errors = new TreeMap<>();
    private final Injector injector;
    private final Attachment attachment;

    /** Starts to watch. Errors from before the first failure are the program's own and not counted. */
    public GuestOutcome(SiteRegistry registry, Injector injector) {
        this.injector = injector;
        this.attachment = registry.attach("fault injection", site -> site.name().equals("do_syscall_x64"), this::hook);
    }

    private MethodHandle hook(ProbeSite site, Hook hook, MethodType type) {
        return switch (hook) {
            case ENTRY -> ENTER.bindTo(this);
            case EXIT -> EXIT.bindTo(this);
            case THROWN, INJECT -> null;
        };
    }

    private void enter(SyscallTable table, Task task, long number) {
        current.get()[0] = table.name(number);
    }

    private void exit(long result) {
        if (result < 0 && result > -4096 && injector.hasFired()) {
            synchronized (errors) {
                errors.merge(current.get()[0] + " " + ErrnoNames.result(result), 1, Integer::sum);
            }
        }
    }

    /** {@code "mmap -ENOMEM"} and how often. */
    public Map<String, Integer> errors() {
        synchronized (errors) {
            return new TreeMap<>(errors);
        }
    }

    @Override
    public void close() {
        attachment.close();
    }
}
