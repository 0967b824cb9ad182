package faultline.emulator.fs;

import java.util.ArrayList;
import java.util.List;

/** Path strings: one character a byte. */
final class GuestPath {
    private GuestPath() {}

    static boolean isAbsolute(String path) {
        return !path.isEmpty() && path.charAt(0) == '/';
    }

    /** {@code path} below {@code base} unless it is absolute. */
    static String join(String base, String path) {
        if (isAbsolute(path)) {
            return path;
        }
        return base.endsWith("/") ? base + path : base + "/" + path;
    }

    /** Removes ".", ".." and repeated slashes by text alone, from an absolute path. */
    static String normalize(String path) {
        List<String> parts = new ArrayList<>();
        for (String part : path.split("/")) {
            if (part.equals("..")) {
                if (!parts.isEmpty()) {
                    parts.removeLast();
                }
            } else if (!part.isEmpty() && !part.equals(".")) {
                parts.add(part);
            }
        }
        return "/" + String.join("/", parts);
    }

    /** Whether an absolute path begins with the given first component. */
    static boolean isUnder(String path, String top) {
        return path.startsWith(top) && (path.length() == top.length() || path.charAt(top.length()) == '/');
    }

    /**
     * Whether text alone cannot rule out that the path leads to /proc, /dev or /sys: it names one of them first, or
     * goes up.
     */
    static boolean mayBeVirtual(String path) {
        int i = 0;
        while (i < path.length() && (path.charAt(i) == '/' || isDot(path, i))) {
            i++;
        }
        return path.startsWith("proc", i)
                || path.startsWith("dev", i)
                || path.startsWith("sys", i)
                || path.contains("..");
    }

    private static boolean isDot(String path, int i) {
        return path.charAt(i) == '.' && (i + 1 == path.length() || path.charAt(i + 1) == '/');
    }

    /** Where the last component begins, trailing slashes being part of it. */
    static int lastComponent(String path) {
        int end = path.length();
        while (end > 0 && path.charAt(end - 1) == '/') {
            end--;
        }
        return path.lastIndexOf('/', end - 1) + 1;
    }
}
