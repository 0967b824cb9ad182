package faultline.emulator.fs;

import faultline.emulator.fs.VirtualDirectory.Entry;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.mmu.mm.MmLayout;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** /proc/PID and /proc/PID/task/TID of one guest process. */
final class ProcProcessTree {
    /** Files that the host has for its own process, and that mean the same for ours. */
    private static final Set<String> HOST = Set.of(
            "cpuset",
            "gid_map",
            "loginuid",
            "net",
            "ns",
            "projid_map",
            "sessionid",
            "setgroups",
            "timens_offsets",
            "uid_map");

    private static final Set<String> HOST_DIRECTORIES = Set.of("net", "ns");

    /** Pages of the user's half, for which pagemap has entries. */
    private static final long USER_PAGES = (1L << 35) - 1;

    private static final Set<String> MOUNTS = Set.of("mounts", "mountinfo", "mountstats");
    private static final Set<String> WRITABLE = Set.of(
            "clear_refs",
            "comm",
            "coredump_filter",
            "fail-nth",
            "make-it-fail",
            "oom_adj",
            "oom_score_adj",
            "timerslack_ns");
    /** What only a kernel built with fault injection has, and the host's has not. */
    private static final Set<String> INJECTION = Set.of("fail-nth", "make-it-fail");

    private static final Set<String> LINKS = Set.of("cwd", "exe", "root");

    private final GuestRoot root;
    private final ProcProcess process;

    ProcProcessTree(GuestRoot root, ProcProcess process) {
        this.root = root;
        this.process = process;
    }

    /** @param rest what follows /proc/PID/ */
    VirtualNode lookup(String rest, boolean follow) {
        String base = "/proc/" + process.pid();
        if (!GuestPath.isUnder(rest, "task")) {
            return inProcess(base, rest, process.pid(), follow, true);
        }
        if (rest.equals("task")) {
            return new VirtualFolder(base + "/task", "/proc/self/task", this::taskEntries);
        }
        int end = rest.indexOf('/', 5);
        String name = end < 0 ? rest.substring(5) : rest.substring(5, end);
        int tid = ProcTree.number(name);
        for (int known : process.tids()) {
            if (known == tid) {
                String below = end < 0 ? "" : rest.substring(end + 1);
                return inProcess(base + "/task/" + name, below, tid, follow, false);
            }
        }
        return VirtualTree.ABSENT;
    }

    private VirtualNode inProcess(String base, String rest, int tid, boolean follow, boolean withTasks) {
        if (rest.isEmpty()) {
            return new VirtualFolder(base, "/proc/self/.", () -> entries(withTasks));
        }
        int end = rest.indexOf('/');
        String first = end < 0 ? rest : rest.substring(0, end);
        String below = end < 0 ? "" : rest.substring(end + 1);
        String path = base + "/" + rest;
        if (LINKS.contains(first)) {
            return link(path, "/proc/self/" + first, linkTarget(first), below, follow);
        }
        if (first.equals("fd")) {
            return descriptor(path, below, follow);
        }
        if (HOST.contains(first)) {
            return isHidden(first) ? VirtualTree.ABSENT : HostNode.of(path, "/proc/self/" + rest);
        }
        if (first.equals("map_files") && withTasks) {
            return mapFile(path, below, follow);
        }
        if (first.equals("fdinfo")) {
            return descriptorInfo(path, below);
        }
        if (!below.isEmpty()) {
            return file(path, first, tid) == VirtualTree.ABSENT ? VirtualTree.ABSENT : VirtualTree.NOT_DIRECTORY;
        }
        return file(path, first, tid);
    }

    private OpenFile pagemap(String path, int flags) {
        ProcEntriesFile.Entries entries = (first, out) -> process.pagemap(first << MmLayout.PAGE_SHIFT, out);
        return new ProcEntriesFile(path, "/proc/self/pagemap", USER_PAGES, entries, flags);
    }

    private VirtualNode file(String path, String name, int tid) {
        String counterpart = "/proc/self/" + (INJECTION.contains(name) ? "oom_score_adj" : name);
        if (name.equals("mem") || name.equals("pagemap")) {
            return new VirtualNode(path, counterpart) {
                @Override
                public Opened open(int flags) {
                    return Opened.of(
                            name.equals("mem") ? new ProcMemoryFile(path, process, flags) : pagemap(path, flags));
                }
            };
        }
        if (MOUNTS.contains(name)) {
            return new VirtualText(path, counterpart, () -> MountTexts.of(root, name), null);
        }
        if (name.equals("io")) {
            return HostNode.of(path, counterpart);
        }
        if (!process.texts().contains(name)) {
            return VirtualTree.ABSENT;
        }
        boolean writable = WRITABLE.contains(name);
        return new VirtualText(
                path,
                counterpart,
                () -> process.text(name, tid),
                writable ? text -> process.write(name, tid, text) : null) {
            @Override
            boolean callerMayWrite() {
                return name.equals("timerslack_ns") || process.ownedByCaller();
            }
        };
    }

    private String linkTarget(String name) {
        FsContext fs = process.fs();
        return switch (name) {
            case "exe" -> process.executable();
            case "cwd" -> fs == null ? "" : fs.cwdPath();
            default -> "/";
        };
    }

    private static VirtualNode link(String path, String counterpart, String target, String below, boolean follow) {
        if (target == null || target.isEmpty()) {
            return VirtualTree.ABSENT;
        }
        if (below.isEmpty() && !follow) {
            return new VirtualLink(path, counterpart, target);
        }
        return new RedirectNode(path, below.isEmpty() ? target : GuestPath.join(target, below));
    }

    /** What the host says of itself is not for a confined guest, nor its networks for one that is to have none. */
    private boolean isHidden(String name) {
        return root.confined() || name.equals("net") && root.isolation().noNet();
    }

    private VirtualNode mapFile(String path, String below, boolean follow) {
        if (below.isEmpty()) {
            return new VirtualFolder(
                    path,
                    "/proc/self/map_files",
                    () -> process.mapFiles().keySet().stream()
                            .map(name -> new Entry(name, VirtualDirectory.DT_LNK))
                            .toList());
        }
        int end = below.indexOf('/');
        String target = process.mapFiles().get(end < 0 ? below : below.substring(0, end));
        return link(path, "/proc/self/exe", target, end < 0 ? "" : below.substring(end + 1), follow);
    }

    private VirtualNode descriptor(String path, String below, boolean follow) {
        if (below.isEmpty()) {
            return new VirtualFolder(path, "/proc/self/fd", () -> descriptorEntries(VirtualDirectory.DT_LNK));
        }
        int end = below.indexOf('/');
        FdTable files = process.files();
        OpenFile file = files == null ? null : files.get(fdNumber(end < 0 ? below : below.substring(0, end)));
        if (file == null) {
            return VirtualTree.ABSENT;
        }
        if (end < 0 && follow && file.hostFd() >= 0) {
            return HostNode.descriptor(path, file);
        }
        try {
            if (end >= 0) {
                return new RedirectNode(path, GuestPath.join(file.path(), below.substring(end + 1)));
            }
            return follow
                    ? new RedirectNode(path, file.path())
                    : new VirtualLink(path, "/proc/self/fd/" + Math.max(file.hostFd(), 0), file.path());
        } finally {
            file.put();
        }
    }

    private static int fdNumber(String name) {
        return name.equals("0") ? 0 : ProcTree.number(name) == 0 ? -1 : ProcTree.number(name);
    }

    private VirtualNode descriptorInfo(String path, String below) {
        if (below.isEmpty()) {
            return new VirtualFolder(path, "/proc/self/fdinfo", () -> descriptorEntries(VirtualDirectory.DT_REG));
        }
        int fd = fdNumber(below);
        FdTable files = process.files();
        OpenFile file = files == null ? null : files.get(fd);
        if (file == null) {
            return VirtualTree.ABSENT;
        }
        file.put();
        return new VirtualText(path, "/proc/self/fdinfo/0", () -> infoText(files, fd), null);
    }

    private String infoText(FdTable files, int fd) {
        OpenFile file = files.get(fd);
        if (file == null) {
            return null;
        }
        try {
            MemorySegment stat = HostScratch.get().struct();
            file.fstat(stat);
            long ino = HostStat.ino(stat);
            int flags = file.statusFlags() | (files.isCloseOnExec(fd) ? 0x80000 : 0);
            long position = Math.max(0, file.lseek(0, 1));
            return String.format("pos:\t%d\nflags:\t0%o\nmnt_id:\t%d\nino:\t%d\n", position, flags, 1, ino)
                    + process.locks(file)
                    + hostInfo(file);
        } finally {
            file.put();
        }
    }

    /**
     * What the host adds for files of a special kind (inotify, eventfd, …); numbers of its own descriptors stay out.
     */
    private static String hostInfo(OpenFile file) {
        if (!(file instanceof HostFile host) || host.type() != 0) {
            return "";
        }
        StringBuilder text = new StringBuilder();
        for (String line : hostLines("/proc/self/fdinfo/" + host.hostFd())) {
            String name = line.substring(0, Math.max(line.indexOf(':'), 0));
            boolean ours = List.of("pos", "flags", "mnt_id", "ino", "tfd").contains(name);
            text.append(ours ? "" : line + "\n");
        }
        return text.toString();
    }

    private static List<String> hostLines(String path) {
        try {
            return Files.readAllLines(Path.of(path));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<Entry> descriptorEntries(byte type) {
        List<Entry> entries = new ArrayList<>();
        FdTable files = process.files();
        if (files != null) {
            for (int fd : files.open()) {
                entries.add(new Entry(Integer.toString(fd), type));
            }
        }
        return entries;
    }

    private List<Entry> taskEntries() {
        List<Entry> entries = new ArrayList<>();
        for (int tid : process.tids()) {
            entries.add(new Entry(Integer.toString(tid), VirtualDirectory.DT_DIR));
        }
        return entries;
    }

    private List<Entry> entries(boolean withTasks) {
        List<Entry> entries = new ArrayList<>();
        for (String name : List.of("fd", "fdinfo")) {
            entries.add(new Entry(name, VirtualDirectory.DT_DIR));
        }
        if (withTasks) {
            entries.add(new Entry("map_files", VirtualDirectory.DT_DIR));
            entries.add(new Entry("task", VirtualDirectory.DT_DIR));
        }
        for (String name : HOST) {
            if (!isHidden(name)) {
                boolean directory = HOST_DIRECTORIES.contains(name);
                entries.add(new Entry(name, directory ? VirtualDirectory.DT_DIR : VirtualDirectory.DT_REG));
            }
        }
        for (String name : List.of("cwd", "exe", "root")) {
            entries.add(new Entry(name, VirtualDirectory.DT_LNK));
        }
        for (String name : process.texts()) {
            entries.add(new Entry(name, VirtualDirectory.DT_REG));
        }
        for (String name : List.of("io", "mem", "mountinfo", "mounts", "mountstats", "pagemap")) {
            entries.add(new Entry(name, VirtualDirectory.DT_REG));
        }
        return entries;
    }
}
