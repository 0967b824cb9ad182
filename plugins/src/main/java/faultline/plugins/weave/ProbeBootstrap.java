package faultline.plugins.weave;

import java.lang.invoke.CallSite;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** Links the invokedynamic instructions that the weaver wrote; called by the virtual machine only. */
public final class ProbeBootstrap {
    private ProbeBootstrap() {}

    /**
     * @param caller the woven class; its loader knows the registry
     * @param hook the hook's name
     * @param type what the site offers
     * @param site the site's number within the registry
     */
    public static CallSite link(MethodHandles.Lookup caller, String hook, MethodType type, int site) {
        if (caller.lookupClass().getClassLoader() instanceof WeavingClassLoader loader) {
            return loader.registry().link(site, Hook.ofSiteName(hook), type);
        }
        SiteRegistry ahead = WovenJar.registry();
        if (ahead == null) {
            throw new BootstrapMethodError(caller.lookupClass() + " is woven, but nobody knows its sites");
        }
        return ahead.link(site, Hook.ofSiteName(hook), type);
    }
}
