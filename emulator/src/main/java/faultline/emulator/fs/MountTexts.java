package faultline.emulator.fs;

/** mounts, mountinfo and mountstats of /proc/PID where the guest's tree is not the host's. */
final class MountTexts {
    private MountTexts() {}

    /** @param name the file's name */
    static String of(GuestRoot root, String name) {
        MountTable mounts = root.mounts();
        StringBuilder out = new StringBuilder();
        int id = 1;
        line(out, name, id++, mounts.root());
        line(out, name, id++, new Mount("proc", "/proc", null, -1, -1, false));
        for (Mount mount : mounts.onTop()) {
            line(out, name, id++, mount);
        }
        return out.toString();
    }

    private static void line(StringBuilder out, String name, int id, Mount mount) {
        String access = mount.readOnly() ? "ro" : "rw";
        String type = mount.type();
        String device = type.equals(Mount.HUGETLBFS) ? "none" : type;
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
