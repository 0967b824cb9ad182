package faultline.plugins.weave;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;

/**
 * Makes what a hook of a site calls, once for each site and hook.
 *
 * <p>The handle may take fewer parameters than {@code type} has (the first ones), and wider types. It runs in the
 * thread that executes the woven method, possibly with kernel locks held: it must not block and should not allocate.
 * Should it throw, the attachment is reported and detached and the method goes on as if it had not been there.
 */
@FunctionalInterface
public interface HookFactory {
    /** Returns the handle to call, or null when this hook is of no interest. Called under the registry's lock. */
    MethodHandle handle(ProbeSite site, Hook hook, MethodType type);
}
