package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Resolves a path component by component, where the guest's tree is not the host's: in a confined root, with a
 * read-only root, with mounts of the machine's own.
 *
 * <p>The host is asked for one name in one open directory at a time, and follows nothing. What links and ".." mean is
 * decided here: the directories that were passed are kept open, ".." goes back to the one before, and at the root
 * stays. So no link, no "..", and no rename that races with the walk leads out of the root.
 *
 * <p>The walk ends in one of these:
 *
 * <pre>
 *   object ≥ 0              the file is there; {@link #mount} is where it lies
 *   node                    the path led to a name of the virtual tree
 *   error, name != null     the last component is missing (ENOENT); its directory is the innermost place
 *   error                   anything else
 *   name, no error          wanted as a name (LastComponent.NAME): not looked at
 * </pre>
 */
final class PathWalk implements AutoCloseable {
    private static final int MOST_LINKS = 40;

    /** A directory on the way. */
    private record Place(int fd, boolean owned, Mount mount) {}

    private final FsContext fs;
    private final GuestRoot root;
    private final Caller caller;
    private final LastComponent want;
    private final int resolve;
    private final Deque<Place> places = new ArrayDeque<>();
    private final Deque<String> todo = new ArrayDeque<>();
    private boolean fromRoot;
    private int links;

    private long error;
    private VirtualNode node;
    private int object = -1;
    private int objectType;
    private Mount objectMount;
    private String name;

    private PathWalk(FsContext fs, Caller caller, LastComponent want, int resolve) {
        this.fs = fs;
        this.root = fs.root();
        this.caller = caller;
        this.want = want;
        this.resolve = resolve;
    }

    /**
     * Walks a path to its end.
     *
     * @param caller null before there is a process: the virtual tree is not looked at then
     * @param base directory that relative paths start from
     * @param resolve RESOLVE_* of openat2(2); 0 for all other calls
     */
    @KernelFunction(value = "path_lookupat", file = "fs/namei.c")
    static PathWalk to(FsContext fs, Caller caller, OpenFile base, String path, LastComponent want, int resolve) {
        PathWalk walk = new PathWalk(fs, caller, want, resolve);
        walk.begin(base, path);
        while (walk.error == 0 && walk.object < 0 && walk.node == null && walk.name == null) {
            walk.step();
        }
        return walk;
    }

    private void begin(OpenFile base, String path) {
        boolean absolute = GuestPath.isAbsolute(path);
        if (absolute && (resolve & OpenFlags.RESOLVE_BENEATH) != 0) {
            error = -Errno.EXDEV;
        } else if (absolute && (resolve & OpenFlags.RESOLVE_IN_ROOT) == 0) {
            startAtRoot();
        } else if (base.hostFd() < 0) {
            error = base instanceof VirtualDirectory ? -Errno.ENOENT : -Errno.ENOTDIR;
        } else if (root.pathInside(base.hostFd()) == null) {
            error = -Errno.ENOENT;
        } else {
            places.push(new Place(base.hostFd(), false, root.mounts().of(base.hostFd())));
        }
        prepend(path, want != LastComponent.NAME);
    }

    private void startAtRoot() {
        leave(0);
        fromRoot = true;
        places.push(new Place(root.fd(), false, root.mounts().root()));
    }

    /**
     * Puts the components of a path in front of what is still to do. A slash or "." at the end asks for a directory:
     * one more "." says so; to a call that wants the name, the slash passes with it.
     */
    private void prepend(String path, boolean toDirectory) {
        Deque<String> parts = new ArrayDeque<>();
        for (String part : path.split("/")) {
            if (!part.isEmpty() && !part.equals(".")) {
                parts.push(part);
            }
        }
        boolean dot = path.endsWith("/.") || path.equals(".");
        if (dot || path.endsWith("/") && (toDirectory || !todo.isEmpty())) {
            parts.push(".");
        } else if (path.endsWith("/") && !parts.isEmpty()) {
            parts.push(parts.pop() + "/");
        }
        parts.forEach(todo::push);
    }

    private void step() {
        if (todo.isEmpty()) {
            endHere();
            return;
        }
        String part = todo.pop();
        boolean last = todo.isEmpty();
        boolean isName = last && want == LastComponent.NAME;
        if (part.equals(".") || part.equals("..")) {
            if (isName) {
                name = part;
            } else if (part.equals("..")) {
                up();
            }
            return;
        }
        if (fromRoot && places.size() == 1 && resolve == 0 && leadsToVirtual(part)) {
            return;
        }
        if (isName) {
            name = part;
        } else {
            enter(part, last);
        }
    }

    /** The path ends in dots, or is the starting directory's own. */
    private void endHere() {
        if (want == LastComponent.NAME) {
            name = ".";
            return;
        }
        int flags = OpenFlags.O_PATH | OpenFlags.O_CLOEXEC;
        long fd = Libc.call(Nr.OPENAT, places.peek().fd(), HostScratch.get().path("."), flags);
        ended(fd, HostStat.S_IFDIR, places.peek().mount());
    }

    private void ended(long fd, int type, Mount mount) {
        if (fd < 0) {
            error = fd;
        } else {
            object = (int) fd;
            objectType = type;
            objectMount = mount;
        }
    }

    @KernelFunction(value = "handle_dots", file = "fs/namei.c")
    private void up() {
        if (places.size() > 1) {
            leave(places.size() - 1);
        } else if ((resolve & OpenFlags.RESOLVE_BENEATH) != 0) {
            error = -Errno.EXDEV;
        } else if (!fromRoot && (resolve & OpenFlags.RESOLVE_IN_ROOT) == 0) {
            String here = root.pathInside(places.peek().fd());
            if (here == null) {
                error = -Errno.ENOENT;
            } else if ((resolve & OpenFlags.RESOLVE_NO_XDEV) != 0) {
                error = -Errno.EXDEV;
            } else {
                prepend(here.substring(0, here.lastIndexOf('/') + 1), true);
                startAtRoot();
            }
        }
    }

    /** Closes the directories passed, down to a number of them. */
    private void leave(int left) {
        while (places.size() > left) {
            Place place = places.pop();
            if (place.owned()) {
                Libc.call(Nr.CLOSE, place.fd());
            }
        }
    }

    /** Whether a name of the root directory, with the rest of the path, is one of the virtual tree. */
    private boolean leadsToVirtual(String part) {
        if (caller == null || !GuestPath.mayBeVirtual(part)) {
            return false;
        }
        String rest = todo.isEmpty() ? "" : "/" + String.join("/", todo);
        node = PathResolver.lookup(fs, caller, "/" + part + rest, want == LastComponent.FOLLOW);
        return node != null;
    }

    @KernelFunction(value = "walk_component", file = "fs/namei.c")
    private void enter(String part, boolean last) {
        Place here = places.peek();
        HostScratch scratch = HostScratch.get();
        int flags = OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW | OpenFlags.O_CLOEXEC;
        long fd = Libc.call(Nr.OPENAT, here.fd(), scratch.path(part), flags);
        if (fd < 0) {
            error = fd;
            name = last && fd == -Errno.ENOENT ? part : null;
            return;
        }
        MemorySegment stat = scratch.struct();
        Libc.call(Nr.FSTAT, fd, stat.address());
        int type = HostStat.mode(stat) & HostStat.S_IFMT;
        if (type == HostStat.S_IFLNK && (!last || want == LastComponent.FOLLOW)) {
            follow((int) fd);
            return;
        }
        Mount mount = here.mount();
        if (type == HostStat.S_IFDIR && root.mounts().hasAny()) {
            Mount over = root.mounts().over(HostStat.dev(stat), HostStat.ino(stat));
            if (over != null) {
                Libc.call(Nr.CLOSE, fd);
                fd = MountTable.open(over);
                mount = over;
            }
        }
        if (last) {
            name = part;
            ended(fd, type, mount);
        } else if (type == HostStat.S_IFDIR) {
            places.push(new Place((int) fd, true, mount));
        } else {
            Libc.call(Nr.CLOSE, fd);
            error = -Errno.ENOTDIR;
        }
        if ((resolve & OpenFlags.RESOLVE_NO_XDEV) != 0 && mount != here.mount()) {
            error = -Errno.EXDEV;
        }
    }

    /** Goes on with the target of a symbolic link, whose O_PATH descriptor this closes. */
    @KernelFunction(value = "pick_link", file = "fs/namei.c")
    private void follow(int link) {
        MemorySegment to = HostScratch.get().struct();
        long n = Libc.call(Nr.READLINKAT, link, HostScratch.get().path(""), to.address(), to.byteSize());
        Libc.call(Nr.CLOSE, link);
        if (n < 0) {
            error = n;
        } else if (n == 0) {
            error = -Errno.ENOENT;
        } else if (++links > MOST_LINKS || (resolve & OpenFlags.RESOLVE_NO_SYMLINKS) != 0) {
            error = -Errno.ELOOP;
        } else {
            String target = HostScratch.latin1(to, 0, (int) n);
            if (GuestPath.isAbsolute(target)) {
                restart();
            }
            prepend(target, true);
        }
    }

    /** An absolute link: from the root, or from what openat2(2) was told to take for it. */
    private void restart() {
        if ((resolve & OpenFlags.RESOLVE_BENEATH) != 0) {
            error = -Errno.EXDEV;
        } else if ((resolve & OpenFlags.RESOLVE_IN_ROOT) != 0) {
            leave(1);
        } else {
            startAtRoot();
        }
    }

    /** 0 or -errno. */
    long error() {
        return error;
    }

    /** The name of the virtual tree that the path led to, which the caller lets go of; null for none. */
    VirtualNode node() {
        return node;
    }

    /** The file's O_PATH descriptor, which {@link #close} closes; -1 when there is none. */
    int object() {
        return object;
    }

    /** The last component, links behind it not being followed; null when the path ended in dots. */
    String name() {
        return name;
    }

    /** The file system where the object lies, or where a missing or wanted name belongs. */
    Mount mount() {
        return objectMount != null ? objectMount : places.peek().mount();
    }

    /** The directory of {@link #name}; valid until {@link #close}. */
    int directory() {
        return places.peek().fd();
    }

    /** Whether the object is a symbolic link. */
    boolean isLink() {
        return objectType == HostStat.S_IFLNK;
    }

    /** The object's type: {@code HostStat.S_IF*}. */
    int type() {
        return objectType;
    }

    /** Whether something is mounted on the directory that was wanted as a name, which can then not be removed. */
    boolean isMountPoint() {
        MemorySegment stat = HostScratch.get().struct();
        long path = HostScratch.get().path(name);
        return root.mounts().hasAny()
                && Libc.call(Nr.NEWFSTATAT, directory(), path, stat.address(), OpenFlags.AT_SYMLINK_NOFOLLOW) == 0
                && root.mounts().over(HostStat.dev(stat), HostStat.ino(stat)) != null;
    }

    /** A descriptor of the directory of {@link #name} that is the caller's; or -errno. */
    long openDirectory() {
        int flags = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC;
        return Libc.call(Nr.OPENAT, directory(), HostScratch.get().path("."), flags);
    }

    /** Takes the object's descriptor over from the walk. */
    int takeObject() {
        int taken = object;
        object = -1;
        return taken;
    }

    @Override
    public void close() {
        leave(0);
        if (object >= 0) {
            Libc.call(Nr.CLOSE, object);
        }
    }
}
