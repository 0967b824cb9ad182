package faultline.emulator.syscall;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/** Names of all x86-64 system calls of the kernel that {@code uname} reports, from the resource {@code x86_64.txt}. */
final class SyscallNames {
    private static final String[] NAMES = load();

    private SyscallNames() {}

    static String name(long number) {
        if (number >= 0 && number < NAMES.length && NAMES[(int) number] != null) {
            return NAMES[(int) number];
        }
        return "syscall_" + number;
    }

    static Set<String> all() {
        return Arrays.stream(NAMES).filter(Objects::nonNull).collect(Collectors.toSet());
    }

    private static String[] load() {
        String[] names = new String[SyscallTable.SIZE];
        try (InputStream in = SyscallNames.class.getResourceAsStream("x86_64.txt");
                BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                int space = line.indexOf(' ');
                names[Integer.parseInt(line, 0, space, 10)] = line.substring(space + 1);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return names;
    }
}
