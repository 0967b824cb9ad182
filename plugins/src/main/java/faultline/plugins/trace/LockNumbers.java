package faultline.plugins.trace;

import java.util.Map;
import java.util.WeakHashMap;

/**
 * Numbers locks in the order in which the trace meets them, so that two runs with one seed name them alike.
 * Thread-safe.
 */
final class LockNumbers {
    /** Locks are equal only to themselves. */
    private final Map<Object, Long> numbers = new WeakHashMap<>();

    private long next = 1;

    synchronized long of(Object lock) {
        Long known = numbers.get(lock);
        if (known == null) {
            known = next++;
            numbers.put(lock, known);
        }
        return known;
    }
}
