package faultline.emulator.fs;

import faultline.emulator.host.InheritedDescriptors;
import faultline.mmu.file.PageCache;
import faultline.mmu.hugetlb.HugetlbPools;

/**
 * The files of one machine: its root directory, its inodes with cached pages, and what a first process starts with.
 *
 * <p>Closed after the last process is gone; open files and mappings must be gone by then.
 */
public final class FileSystem implements AutoCloseable {
    private static final long NO_LIMIT = Integer.MAX_VALUE;

    private final InodeCache inodes;
    private final HugetlbFiles hugetlb;
    private final CgroupFiles cgroups;
    private final GuestRoot root;
    private final VirtualTree tree;

    /**
     * @param pages the machine's page cache
     * @param hugePages the pool that files of huge pages live in
     * @param isolation what of the host the guest may reach
     * @param processes what /proc tells of; null for no virtual files at all
     * @throws IllegalArgumentException if a directory cannot be opened
     */
    public FileSystem(PageCache pages, HugetlbPools hugePages, Isolation isolation, ProcSource processes) {
        inodes = new InodeCache(pages);
        hugetlb = new HugetlbFiles(hugePages);
        cgroups = new CgroupFiles(processes == null ? null : processes.cgroups());
        root = new GuestRoot(isolation, inodes, hugetlb, cgroups);
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

    /**
     * A table with what the emulator was started with: 0, 1 and 2 being the host's as far as those are open, and more.
     */
    public FdTable newInherited() {
        FdTable table = new FdTable();
        for (InheritedDescriptors.Descriptor inherited : InheritedDescriptors.take()) {
            OpenFile file = root.receive(inherited.hostFd());
            if (root.leadsOut(file)) {
                file.put();
            } else {
                table.replace(inherited.number(), file, false, NO_LIMIT);
            }
        }
        return table;
    }

    /** The inodes that have pages in guest memory: none when everything is closed. */
    public InodeCache inodes() {
        return inodes;
    }

    /** Where paths of the first process begin. */
    public GuestRoot root() {
        return root;
    }

    @Override
    public void close() {
        inodes.writebackAll();
        inodes.discardKept();
        hugetlb.close();
        cgroups.close();
        root.close();
    }
}
