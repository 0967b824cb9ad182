package faultline.emulator.fs;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.Errno;
import faultline.mmu.file.PageCache;
import faultline.mmu.hugetlb.HugetlbPool;

/**
 * The files of one machine: its root directory, its inodes with cached pages, and what a first process starts with.
 *
 * <p>Closed after the last process is gone; open files and mappings must be gone by then.
 */
public final class FileSystem implements AutoCloseable {
    private static final int F_DUPFD_CLOEXEC = 1030;
    /** Lowest host descriptor that a copy of stdin, stdout or stderr may get. */
    private static final int BEHIND_STDIO = 3;

    private static final long NO_LIMIT = Integer.MAX_VALUE;

    private final InodeCache inodes;
    private final HugetlbFiles hugetlb;
    private final GuestRoot root;
    private final VirtualTree tree;

    /**
     * @param pages the machine's page cache
     * @param hugePages the pool that files of huge pages live in
     * @param isolation what of the host the guest may reach
     * @param processes what /proc tells of; null for no virtual files at all
     * @throws IllegalArgumentException if a directory cannot be opened
     */
    public FileSystem(PageCache pages, HugetlbPool hugePages, Isolation isolation, ProcSource processes) {
        inodes = new InodeCache(pages);
        hugetlb = new HugetlbFiles(hugePages);
        root = new GuestRoot(isolation, inodes, hugetlb);
        tree = processes == null ? VirtualTree.NONE : new GuestTree(root, processes);
    }

    /**
     * Root, working directory and umask of a first process.
     *
     * @param cwd guest path, Latin-1; null for the host process' own directory, or the confined root
     * @throws IllegalArgumentException if there is no such directory
     */
    public FsContext newContext(String cwd) {
        return FsContext.create(root, tree, cwd);
    }

    /** Adds a device of the machine's own to the guest's tree. */
    public void addDevice(VirtualNode device) {
        if (tree instanceof GuestTree own) {
            own.add(device);
        }
    }

    /** A table with 0, 1 and 2 being the host's, as far as those are open. */
    public FdTable newStdio() {
        FdTable table = new FdTable();
        for (int fd = 0; fd < BEHIND_STDIO; fd++) {
            long copy = Libc.call(Nr.FCNTL, fd, F_DUPFD_CLOEXEC, BEHIND_STDIO);
            if (copy >= 0) {
                table.replace(fd, root.receive((int) copy), false, NO_LIMIT);
            } else if (copy != -Errno.EBADF) {
                throw new IllegalStateException("cannot take over descriptor " + fd + ": errno " + -copy);
            }
        }
        return table;
    }

    /** The inodes that have pages in guest memory: none when everything is closed. */
    public InodeCache inodes() {
        return inodes;
    }

    public GuestRoot root() {
        return root;
    }

    @Override
    public void close() {
        inodes.writebackAll();
        inodes.discardKept();
        hugetlb.close();
        root.close();
    }
}
