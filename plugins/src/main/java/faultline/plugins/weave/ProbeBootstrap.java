package faultline.plugins.weave;

import java.lang.invoke.CallSite;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** Links the invokedynamic instructions that the weaver wrote; called by the virtual machine only. */
public final class ProbeBootstrap {
    /** Name of the instruction that asks whether anything is attached to the site: {@code () → boolean}. */
    static final String ATTACHED = "attached";

    private ProbeBootstrap() {}

    /**
     * @param caller the woven class; its loader knows the registry
     * @param name the hook's, or {@link #ATTACHED}
     * @param type what the site offers
     * @param site the site's number within the registry
     */
    public static CallSite link(MethodHandles.Lookup caller, String name, MethodType type, int site) {
        SiteRegistry registry = caller.lookupClass().getClassLoader() instanceof WeavingClassLoader loader
                ? loader.registry()
                : WovenJar.registry();
        if (registry == null) {
            throw new BootstrapMethodError(caller.lookupClass() + " is woven, but nobody knows its sites");
        }
        return name.equals(ATTACHED) ? registry.guard(site) : registry.link(site, Hook.ofSiteName(name), type);
    }
}
