package faultline.plugins.event;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Numbers for the texts of a trace: command names, VMA names, paths. A number is given once and stays. Looking up a
 * text that is known allocates nothing. Any thread.
 */
public final class StringTable {
    /** More different texts than this become {@link #OVERFLOW}: a trace names few things, often. */
    public static final int CAPACITY = 1 << 16;

    /** The number of the empty text. */
    public static final int EMPTY = 0;

    /** The number of {@code "…"}, which stands for all texts beyond the capacity. */
    public static final int OVERFLOW = 1;

    private final ConcurrentHashMap<String, Integer> numbers = new ConcurrentHashMap<>();
    private final AtomicReferenceArray<String> texts = new AtomicReferenceArray<>(CAPACITY);
    private int next;

    public StringTable() {
        number("");
        number("…");
    }

    /** The text's number, a new one when it was never seen. */
    public int number(String text) {
        Integer known = numbers.get(text);
        return known != null ? known : add(text);
    }

    private synchronized int add(String text) {
        Integer known = numbers.get(text);
        if (known != null) {
            return known;
        }
        if (next == CAPACITY) {
            return OVERFLOW;
        }
        int number = next++;
        texts.set(number, text);
        numbers.put(text, number);
        return number;
    }

    /** The text of a number that this table gave out. */
    public String text(long number) {
        String text = number < 0 || number >= CAPACITY ? null : texts.get((int) number);
        if (text == null) {
            throw new IllegalArgumentException("no text has the number " + number);
        }
        return text;
    }
}
