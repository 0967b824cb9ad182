package faultline.emulator.fs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * mounts, mountinfo and mountstats of /proc/PID: the host's where the guest's tree is the host's, but for its control
 * groups; and the mounts of the machine's own.
 */
final class MountTexts {
    /** Above all numbers that the host gives its mounts. */
    private static final int FIRST_ID = 1_000_000;

    private MountTexts() {}

    /** @param name the file's name */
    static String of(GuestRoot root, String name) {
        MountTable mounts = root.mounts();
        StringBuilder out = new StringBuilder();
        int id = FIRST_ID;
        if (root.isolation().differs()) {
            id = 1;
            line(out, name, id++, mounts.root());
            line(out, name, id++, new Mount("proc", "/proc", null, -1, -1, false, ""));
        } else {
            hostLines(out, name);
        }
        boolean groups = false;
        for (Mount mount : mounts.onTop()) {
            groups |= mount.path().equals(CgroupFiles.PLACE);
            line(out, name, id++, mount);
        }
        if (!groups && root.autoMounts()) {
            line(
                    out,
                    name,
                    id,
                    new Mount(Mount.CGROUP2, CgroupFiles.PLACE, null, -1, -1, false, Mount.CGROUP2_OPTIONS));
        }
        return out.toString();
    }

    private static void hostLines(StringBuilder out, String name) {
        int place = name.equals("mounts") ? 1 : 4;
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/" + name), StandardCharsets.ISO_8859_1)) {
                String[] words = line.split(" ");
                if (words.length <= place || !GuestPath.isUnder(words[place], CgroupFiles.PLACE)) {
                    out.append(line).append('\n');
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void line(StringBuilder out, String name, int id, Mount mount) {
        String access = mount.readOnly() ? "ro" : "rw";
        String options = access + mount.options();
        String type = mount.type();
        String device = type.equals(Mount.HUGETLBFS) ? "none" : type;
        String line =
                switch (name) {
                    case "mounts" -> "%s %s %s %s 0 0\n".formatted(device, mount.path(), type, options);
                    case "mountinfo" ->
                        "%d 1 0:%d / %s %s - %s %s %s\n".formatted(id, id, mount.path(), options, type, device, access);
                    default -> "device %s mounted on %s with fstype %s\n".formatted(device, mount.path(), type);
                };
        out.append(line);
    }
}
