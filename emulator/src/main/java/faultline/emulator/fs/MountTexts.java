package faultline.emulator.fs;

/** mounts, mountinfo and mountstats of /proc/PID where the guest's tree is not the host's. */
final class MountTexts {
    private MountTexts() {}

    /** @param name the file's name */
    static String of(GuestRoot root, String name) {
        MountTable mounts = root.mounts();
        StringBuilder out = new StringBuilder();
        int id = 1;
        line(out, name, id++, "none", mounts.root(), "none");
        line(out, name, id++, "proc", new Mount("/proc", null, -1, -1, false), "proc");
        for (Mount mount : mounts.tmpfs()) {
            line(out, name, id++, "tmpfs", mount, "tmpfs");
        }
        return out.toString();
    }

    private static void line(StringBuilder out, String name, int id, String device, Mount mount, String type) {
        String access = mount.readOnly() ? "ro" : "rw";
        String line =
                switch (name) {
                    case "mounts" -> "%s %s %s %s 0 0\n".formatted(device, mount.path(), type, access);
                    case "mountinfo" ->
                        "%d 1 0:%d / %s %s - %s %s %s\n".formatted(id, id, mount.path(), access, type, device, access);
                    default -> "device %s mounted on %s with fstype %s\n".formatted(device, mount.path(), type);
                };
        out.append(line);
    }
}
