package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.mmu.Errno;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Root, working directory and umask of a task (Linux: {@code fs_struct}), shared by clone(CLONE_FS).
 *
 * <p>The working directory is a referenced {@link OpenFile}, so that it survives being renamed or removed. Fields are
 * guarded by the object's monitor.
 */
public final class FsContext {
    private final GuestRoot root;
    private final VirtualTree tree;
    private final AtomicInteger sharers = new AtomicInteger(1);
    private OpenFile cwd;
    private int umask;

    private FsContext(GuestRoot root, VirtualTree tree, OpenFile cwd, int umask) {
        this.root = root;
        this.tree = tree;
        this.cwd = cwd;
        this.umask = umask;
    }

    /**
     * The first process' context.
     *
     * @param cwd guest path of the working directory; null for the host process' own where the guest's tree has it, and
     *     else the root
     * @throws IllegalArgumentException if the directory cannot be opened
     */
    public static FsContext create(GuestRoot root, VirtualTree tree, String cwd) {
        Mount top = root.mounts().root();
        FsContext context = new FsContext(root, tree, own(root, MountTable.open(top), top, "/"), hostUmask());
        if (cwd != null) {
            context.setCwd(context.directory(cwd, cwd));
        } else if (!root.confined()) {
            String here = Path.of("").toAbsolutePath().toString();
            context.setCwd(context.directory(GuestRoot.latin1(Path.of(here)), "/"));
        }
        return context;
    }

    private OpenFile directory(String path, String otherwise) {
        try (PathWalk walk = PathWalk.to(this, null, cwd, path, LastComponent.FOLLOW, 0)) {
            if (walk.object() < 0 && !path.equals(otherwise)) {
                return directory(otherwise, otherwise);
            }
            Mount mount = walk.error() < 0 ? null : walk.mount();
            return own(root, walk.error() < 0 ? walk.error() : walk.takeObject(), mount, path);
        }
    }

    private static OpenFile own(GuestRoot root, long fd, Mount mount, String path) {
        if (fd < 0) {
            throw new IllegalArgumentException("cannot enter directory " + path + ": errno " + -fd);
        }
        HostFile file = HostFile.own(root, (int) fd);
        file.setMount(mount);
        return file;
    }

    private static int hostUmask() {
        // umask(2) only swaps: /proc tells the host process' mask without touching it.
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("Umask:")) {
                    return Integer.parseInt(line.substring(6).trim(), 8);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return 0022;
    }

    /** Where its paths begin. */
    public GuestRoot root() {
        return root;
    }

    /** What it has in place of the host's files. */
    public VirtualTree tree() {
        return tree;
    }

    /** A copy for fork, with its own working directory and umask from now on. */
    public synchronized FsContext copy() {
        cwd.get();
        return new FsContext(root, tree, cwd, umask);
    }

    /** One more task uses this context. Returns it. */
    public FsContext share() {
        sharers.incrementAndGet();
        return this;
    }

    /** How many tasks use this context. */
    public int sharers() {
        return sharers.get();
    }

    /** A task is gone; the last one lets go of the working directory. */
    public void put() {
        if (sharers.decrementAndGet() == 0) {
            cwd.put();
        }
    }

    /** The working directory, with a reference for the caller. */
    public synchronized OpenFile cwd() {
        cwd.get();
        return cwd;
    }

    /** Makes {@code directory} the working directory; takes over the caller's reference. */
    public void setCwd(OpenFile directory) {
        OpenFile old;
        synchronized (this) {
            old = cwd;
            cwd = directory;
        }
        old.put();
    }

    /** The mask of modes, 0 to 0777. */
    public synchronized int umask() {
        return umask;
    }

    /** Sets the mask and returns the one before. */
    public synchronized int setUmask(int mask) {
        int old = umask;
        umask = mask & 0777;
        return old;
    }

    /**
     * The working directory's path as getcwd(2) tells it.
     *
     * @return null when it was removed (ENOENT)
     */
    public String cwdPath() {
        OpenFile directory = cwd();
        try {
            if (directory.hostFd() >= 0) {
                MemorySegment stat = HostScratch.get().struct();
                directory.fstat(stat);
                if (HostStat.nlink(stat) == 0) {
                    return null;
                }
            }
            return directory.path();
        } finally {
            directory.put();
        }
    }

    /**
     * Resolves a path for a host call.
     *
     * @param base directory that relative paths start from; null for the working directory
     * @param path Latin-1; empty for {@code base} itself (AT_EMPTY_PATH)
     * @param last what the last component is to be
     */
    public PathRef resolve(Caller caller, OpenFile base, String path, LastComponent last) {
        if (base != null) {
            return PathResolver.resolve(this, caller, base, path, last);
        }
        OpenFile directory = cwd();
        try {
            return PathResolver.resolve(this, caller, directory, path, last);
        } finally {
            directory.put();
        }
    }

    /**
     * Opens a path as open(2) does.
     *
     * @param flags open(2)'s; O_CLOEXEC means nothing here
     * @param mode permission bits for a created file, before the umask
     */
    public Opened open(Caller caller, OpenFile base, String path, int flags, int mode) {
        if (path.isEmpty()) {
            return Opened.failed(-Errno.ENOENT);
        }
        OpenFile directory = base == null ? cwd() : base;
        try {
            return PathOpener.open(this, caller, directory, path, flags, mode);
        } finally {
            if (base == null) {
                directory.put();
            }
        }
    }

    /**
     * Opens a path as openat2(2) does with RESOLVE_* restrictions, which the host enforces.
     */
    public Opened openRestricted(Caller caller, OpenFile base, String path, int flags, int mode, int resolve) {
        if (path.isEmpty()) {
            return Opened.failed(-Errno.ENOENT);
        }
        OpenFile directory = base == null ? cwd() : base;
        try {
            return PathOpener.openRestricted(this, caller, directory, path, flags, mode, resolve);
        } finally {
            if (base == null) {
                directory.put();
            }
        }
    }
}
