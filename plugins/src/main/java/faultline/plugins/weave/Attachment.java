package faultline.plugins.weave;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Something attached to all sites that a predicate selects, including those whose classes load later. Closing it
 * detaches it everywhere.
 *
 * <p>A handler that throws detaches itself: the failure is reported once, and the woven method never sees it.
 */
public final class Attachment implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Attachment.class);
    private static final MethodHandle FAILED_VOID = Handles.find(
            MethodHandles.lookup(), "failed", void.class, Attachment.class, ProbeSite.class, Throwable.class);
    private static final MethodHandle FAILED_INJECT = Handles.find(
            MethodHandles.lookup(), "failedInject", long.class, Attachment.class, ProbeSite.class, Throwable.class);

    private final SiteRegistry registry;
    private final String owner;
    private final Predicate<SiteInfo> selector;
    private final HookFactory factory;
    private volatile Throwable failure;

    Attachment(SiteRegistry registry, String owner, Predicate<SiteInfo> selector, HookFactory factory) {
        this.registry = registry;
        this.owner = owner;
        this.selector = selector;
        this.factory = factory;
    }

    /** Who attached, for reports. */
    public String owner() {
        return owner;
    }

    /** What a handler threw and so ended this attachment, or null. */
    public Throwable failure() {
        return failure;
    }

    boolean selects(SiteInfo info) {
        return selector.test(info);
    }

    /** The guarded handle for one hook of one site, of exactly that type, or null. */
    MethodHandle handle(ProbeSite site, Hook hook, MethodType type) {
        MethodHandle raw;
        try {
            raw = factory.handle(site, hook, type);
            if (raw == null) {
                return null;
            }
            raw = Handles.fit(raw, type);
        } catch (RuntimeException e) {
            report(site, e);
            return null;
        }
        MethodHandle failed = hook == Hook.INJECT ? FAILED_INJECT : FAILED_VOID;
        return MethodHandles.catchException(raw, Throwable.class, MethodHandles.insertArguments(failed, 0, this, site));
    }

    private static void failed(Attachment self, ProbeSite site, Throwable thrown) {
        self.report(site, thrown);
        self.close();
    }

    private static long failedInject(Attachment self, ProbeSite site, Throwable thrown) {
        failed(self, site, thrown);
        return ProbeSite.RUN_BODY;
    }

    private synchronized void report(ProbeSite site, Throwable thrown) {
        if (failure == null) {
            failure = thrown;
            LOG.warn("{} failed at {} and is detached", owner, site, thrown);
        }
    }

    /** Detaches. Handlers already running in other threads may still finish; none starts after the return. */
    @Override
    public void close() {
        registry.detach(this);
    }
}
