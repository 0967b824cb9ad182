package faultline.plugins.trace;

import faultline.plugins.weave.Hook;
import faultline.plugins.weave.ProbeSite;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.HashMap;
import java.util.Map;

/** A group of handlers: which kernel functions they attach to and which method of theirs each hook calls. */
abstract class Tracepoint {
    private record Place(String function, Hook hook) {}

    private final Map<Place, MethodHandle> handles = new HashMap<>();
    private final MethodHandles.Lookup lookup;

    /** @param lookup of the subclass, so that its handlers may be private */
    Tracepoint(MethodHandles.Lookup lookup) {
        this.lookup = lookup;
    }

    /** Has a method of the subclass called at a hook of all methods with that kernel name. */
    final void on(String function, Hook hook, String method, Class<?>... parameters) {
        try {
            MethodHandle handle =
                    lookup.findVirtual(lookup.lookupClass(), method, MethodType.methodType(void.class, parameters));
            handles.put(new Place(function, hook), handle.bindTo(this));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("no handler " + method + " for " + function, e);
        }
    }

    /** Whether any hook of the function is of interest. */
    boolean wants(String function) {
        return handles.keySet().stream().anyMatch(place -> place.function.equals(function));
    }

    /** What a hook of a site calls, or null. */
    MethodHandle handle(ProbeSite site, Hook hook, MethodType type) {
        return handles.get(new Place(site.name(), hook));
    }
}
