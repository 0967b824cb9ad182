package faultline.plugins.inject;

import faultline.mmu.Errno;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Set;
import java.util.TreeMap;

/** Error numbers by name and names by number, from {@link Errno}'s constants. */
final class ErrnoNames {
    private static final TreeMap<String, Integer> NUMBERS = new TreeMap<>();
    private static final TreeMap<Integer, String> NAMES = new TreeMap<>();

    static {
        for (Field field : Errno.class.getFields()) {
            if (Modifier.isStatic(field.getModifiers())
                    && field.getType() == int.class
                    && field.getName().startsWith("E")) {
                try {
                    NUMBERS.put(field.getName(), field.getInt(null));
                    NAMES.putIfAbsent(field.getInt(null), field.getName());
                } catch (IllegalAccessException e) {
                    throw new ExceptionInInitializerError(e);
                }
            }
        }
    }

    private ErrnoNames() {}

    /** The number of {@code "ENOMEM"}, or null. */
    static Integer number(String name) {
        return NUMBERS.get(name);
    }

    /** All names. */
    static Set<String> all() {
        return NUMBERS.keySet();
    }

    /** {@code -12} → {@code "-ENOMEM"}; other numbers as they are. */
    static String result(long value) {
        String name = value < 0 && value > -4096 ? NAMES.get((int) -value) : null;
        return name == null ? Long.toString(value) : "-" + name;
    }
}
