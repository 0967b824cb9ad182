package faultline.plugins.filter;

/** A compiled filter for one type of event. Stateless; any thread. */
@FunctionalInterface
public interface EventPredicate {
    /** Whether the record that starts at {@code base} passes. */
    boolean test(long[] records, int base);
}
