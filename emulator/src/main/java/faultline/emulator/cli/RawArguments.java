package faultline.emulator.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The bytes of this process' arguments and environment, as ISO 8859-1 strings.
 *
 * <p>Java decodes both by the locale and loses what is not valid there, and it loses the environment's order; a guest
 * sees what a native run would have seen.
 */
final class RawArguments {
    /** What the environment said of the locale before the launcher gave Java another one: a setting, or empty. */
    private static final String LOCALE = "faultline.locale";

    private static final String LOCALE_SETTING = "LC_ALL=";

    private RawArguments() {}

    /** The last arguments of this process, or the given ones in UTF-8 where the kernel does not tell. */
    static List<String> last(List<String> decoded) {
        List<String> all = read("/proc/self/cmdline");
        if (all == null || all.size() < decoded.size()) {
            return decoded.stream().map(RawArguments::bytesOf).toList();
        }
        List<String> tail = all.subList(all.size() - decoded.size(), all.size());
        for (int i = 0; i < tail.size(); i++) {
            // A caller inside this process (a test) gives arguments that are not the process' own.
            if (isAscii(decoded.get(i)) && !decoded.get(i).equals(tail.get(i))) {
                return decoded.stream().map(RawArguments::bytesOf).toList();
            }
        }
        return List.copyOf(tail);
    }

    /** The environment, {@code NAME=value} each, in its order. */
    static List<String> environment() {
        List<String> raw = read("/proc/self/environ");
        if (raw != null) {
            return withLocale(raw, System.getProperty(LOCALE));
        }
        List<String> made = new ArrayList<>();
        for (Map.Entry<String, String> entry : System.getenv().entrySet()) {
            made.add(bytesOf(entry.getKey() + "=" + entry.getValue()));
        }
        return made;
    }

    /** The environment with the locale that it had: as it is for null, without one for an empty setting. */
    static List<String> withLocale(List<String> environment, String setting) {
        if (setting == null) {
            return environment;
        }
        List<String> restored = new ArrayList<>();
        for (String each : environment) {
            if (!each.startsWith(LOCALE_SETTING)) {
                restored.add(each);
            } else if (!setting.isEmpty()) {
                restored.add(setting);
            }
        }
        return restored;
    }

    /** A Java string as the guest gets it: its UTF-8 bytes, one char each. */
    static String bytesOf(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }

    private static boolean isAscii(String text) {
        return text.chars().allMatch(c -> c < 128);
    }

    /** The zero-terminated strings of a file of /proc, or null where there is none. */
    private static List<String> read(String file) {
        String bytes;
        try {
            bytes = new String(Files.readAllBytes(Path.of(file)), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return null; // not Linux, or /proc is not mounted
        }
        List<String> strings = new ArrayList<>();
        int start = 0;
        for (int end = bytes.indexOf('\0'); end >= 0; end = bytes.indexOf('\0', start)) {
            strings.add(bytes.substring(start, end));
            start = end + 1;
        }
        return strings;
    }
}
