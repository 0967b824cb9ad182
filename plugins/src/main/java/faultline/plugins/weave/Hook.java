package faultline.plugins.weave;

/** The places of a woven method at which a call site stands; constant names are those of the call sites. */
public enum Hook {
    /** Before the body: {@code (receiver?, arguments…) → void}. */
    ENTRY("entry"),
    /** Before each return: {@code (result?, receiver?) → void}. */
    EXIT("exit"),
    /** When the body ends by an exception: {@code (Throwable) → void}. */
    THROWN("thrown"),
    /** Instead of the body: {@code (receiver?, arguments…) → long}, {@link ProbeSite#RUN_BODY} to go on. */
    INJECT("inject");

    private final String siteName;

    Hook(String siteName) {
        this.siteName = siteName;
    }

    /** The name of the invokedynamic instruction. */
    String siteName() {
        return siteName;
    }

    static Hook ofSiteName(String name) {
        for (Hook hook : values()) {
            if (hook.siteName.equals(name)) {
                return hook;
            }
        }
        throw new IllegalArgumentException("no hook is called " + name);
    }
}
