package faultline.plugins.weave;

/**
 * Listens to any site by boxed arguments: for people and small plugins; what must be fast attaches a {@link
 * HookFactory} instead. While a listener runs, probes that it would trigger itself are passed over in its thread.
 */
public interface ProbeListener {
    /** The method is about to run. {@code arguments} are the declared ones; {@code receiver} is null if static. */
    default void entry(ProbeSite site, Object receiver, Object[] arguments) {}

    /** The method returns {@code result} (null for void). */
    default void exit(ProbeSite site, Object receiver, Object result) {}

    /** The method ends by an exception, which goes on to the caller afterwards. */
    default void thrown(ProbeSite site, Throwable thrown) {}
}
