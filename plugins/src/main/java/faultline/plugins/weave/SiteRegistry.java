package faultline.plugins.weave;

import java.lang.invoke.CallSite;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** The sites of one weaving class loader and what is attached to them. All methods may be called by any thread. */
public final class SiteRegistry {
    private final Object lock = new Object();
    private final List<ProbeSite> sites = new ArrayList<>();
    private final List<Attachment> attachments = new ArrayList<>();

    SiteRegistry() {}

    /** Attaches a listener to every site whose kernel name the pattern matches, now and when classes load later. */
    public Attachment attach(String owner, String pattern, ProbeListener listener) {
        Glob glob = Glob.of(pattern);
        return attach(owner, info -> glob.matches(info.name()), new ListenerHooks(listener));
    }

    /** Attaches typed handlers to every site that the selector accepts, now and when classes load later. */
    public Attachment attach(String owner, Predicate<SiteInfo> selector, HookFactory factory) {
        var attachment = new Attachment(this, owner, selector, factory);
        synchronized (lock) {
            attachments.add(attachment);
            sites.stream().filter(site -> selector.test(site.info())).forEach(site -> site.add(attachment));
        }
        return attachment;
    }

    void detach(Attachment attachment) {
        synchronized (lock) {
            if (attachments.remove(attachment)) {
                sites.forEach(site -> site.remove(attachment));
            }
        }
    }

    int register(SiteInfo info) {
        synchronized (lock) {
            var site = new ProbeSite(info, sites.size());
            sites.add(site);
            attachments.stream().filter(a -> a.selects(info)).forEach(site::add);
            return site.id();
        }
    }

    CallSite guard(int id) {
        synchronized (lock) {
            return sites.get(id).guard();
        }
    }

    CallSite link(int id, Hook hook, MethodType type) {
        synchronized (lock) {
            return sites.get(id).link(hook, type);
        }
    }
}
