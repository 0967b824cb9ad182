package faultline.plugins.weave;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.MutableCallSite;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * One woven method at run time: its call sites and who is attached to it.
 *
 * <p>All returns of a method share one call site a hook. A hook that was never executed has no call site yet; it gets
 * its target when it is linked. Guarded by the registry's lock.
 */
public final class ProbeSite {
    /** Result of an inject hook that lets the method's body run. */
    public static final long RUN_BODY = Long.MIN_VALUE;

    private final SiteInfo info;
    private final int id;
    private final Map<Hook, MutableCallSite> callSites = new EnumMap<>(Hook.class);
    /** Whether {@link #isAttached}, as a constant for the compiler; null until the method first runs. */
    private MutableCallSite guard;

    private final List<Attachment> attachments = new ArrayList<>();

    ProbeSite(SiteInfo info, int id) {
        this.info = info;
        this.id = id;
    }

    /** What the class file says of the method. */
    public SiteInfo info() {
        return info;
    }

    /** Small number of this site within its registry, from 0. */
    public int id() {
        return id;
    }

    /** The kernel's name of the function. */
    public String name() {
        return info.name();
    }

    MutableCallSite link(Hook hook, MethodType type) {
        MutableCallSite site = callSites.get(hook);
        if (site == null) {
            site = new MutableCallSite(type);
            callSites.put(hook, site);
            site.setTarget(target(hook, type));
        }
        return site;
    }

    MutableCallSite guard() {
        if (guard == null) {
            guard = new MutableCallSite(MethodHandles.constant(boolean.class, isAttached()));
        }
        return guard;
    }

    void add(Attachment attachment) {
        attachments.add(attachment);
        retarget();
    }

    void remove(Attachment attachment) {
        if (attachments.remove(attachment)) {
            retarget();
        }
    }

    boolean isAttached() {
        return !attachments.isEmpty();
    }

    /** Hooks change before the guard lets anyone through to them. */
    private void retarget() {
        if (guard == null) {
            return; // the method has not run yet, and so has no hook either
        }
        callSites.forEach((hook, site) -> site.setTarget(target(hook, site.type())));
        MutableCallSite.syncAll(callSites.values().toArray(MutableCallSite[]::new));
        guard.setTarget(MethodHandles.constant(boolean.class, isAttached()));
        MutableCallSite.syncAll(new MutableCallSite[] {guard});
    }

    private MethodHandle target(Hook hook, MethodType type) {
        MethodHandle all = null;
        for (Attachment attachment : attachments) {
            MethodHandle one = attachment.handle(this, hook, type);
            if (one != null) {
                all = all == null ? one : both(hook, all, one);
            }
        }
        return all == null ? nothing(hook, type) : all;
    }

    private static MethodHandle nothing(Hook hook, MethodType type) {
        MethodHandle constant =
                hook == Hook.INJECT ? MethodHandles.constant(long.class, RUN_BODY) : MethodHandles.zero(void.class);
        return MethodHandles.dropArguments(constant, 0, type.parameterList());
    }

    /** Runs {@code first}, then {@code second}; the first injector that wants an error wins. */
    private static MethodHandle both(Hook hook, MethodHandle first, MethodHandle second) {
        if (hook != Hook.INJECT) {
            return MethodHandles.foldArguments(second, first);
        }
        MethodType type = first.type();
        MethodHandle runSecond = MethodHandles.dropArguments(second, 0, long.class);
        MethodHandle keepFirst =
                MethodHandles.dropArguments(MethodHandles.identity(long.class), 1, type.parameterList());
        MethodHandle choose = MethodHandles.guardWithTest(Handles.IS_RUN_BODY, runSecond, keepFirst);
        return MethodHandles.foldArguments(choose, first);
    }

    @Override
    public String toString() {
        return info.name() + " (" + info.shortLocation() + ")";
    }
}
