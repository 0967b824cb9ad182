package faultline.plugins.weave;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Arrays;

/** Calls a {@link ProbeListener} from a site of any type, with the arguments collected into an array. */
final class ListenerHooks implements HookFactory {
    private static final MethodHandle CALL = Handles.find(
            MethodHandles.lookup(),
            "call",
            void.class,
            ListenerHooks.class,
            ProbeSite.class,
            Hook.class,
            Object[].class);

    /** True in a thread that is inside a listener. */
    private static final ThreadLocal<boolean[]> INSIDE = ThreadLocal.withInitial(() -> new boolean[1]);

    private final ProbeListener listener;

    ListenerHooks(ProbeListener listener) {
        this.listener = listener;
    }

    @Override
    public MethodHandle handle(ProbeSite site, Hook hook, MethodType type) {
        if (hook == Hook.INJECT) {
            return null;
        }
        return MethodHandles.insertArguments(CALL, 0, this, site, hook)
                .asCollector(Object[].class, type.parameterCount())
                .asType(type);
    }

    private static void call(ListenerHooks self, ProbeSite site, Hook hook, Object[] values) {
        boolean[] inside = INSIDE.get();
        if (inside[0]) {
            return;
        }
        inside[0] = true;
        try {
            self.dispatch(site, hook, values);
        } finally {
            inside[0] = false;
        }
    }

    private void dispatch(ProbeSite site, Hook hook, Object[] values) {
        boolean hasReceiver = !site.info().isStatic();
        switch (hook) {
            case ENTRY ->
                listener.entry(
                        site,
                        hasReceiver ? values[0] : null,
                        hasReceiver ? Arrays.copyOfRange(values, 1, values.length) : values);
            case EXIT -> {
                boolean hasResult = values.length > (hasReceiver ? 1 : 0);
                listener.exit(site, hasReceiver ? values[values.length - 1] : null, hasResult ? values[0] : null);
            }
            case THROWN -> listener.thrown(site, (Throwable) values[0]);
            case INJECT -> throw new IllegalStateException("listeners do not inject");
        }
    }
}
