package faultline.emulator.fs;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.file.PageCache;
import faultline.mmu.hugetlb.HugetlbPools;
import faultline.mmu.phys.PhysicalMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** No path leads out of the directory that --root names. */
class ConfinementTest {
    private static final String SECRET = "outside";
    private static final String INSIDE = "inside";

    @TempDir
    Path temp;

    private final TestProc proc = new TestProc();
    private PhysicalMemory memory;
    private FileSystem files;
    private FsContext fs;
    private final Caller caller = new TestCaller(100, 100);

    @BeforeEach
    void makeTrees() throws IOException {
        Path root = Files.createDirectories(temp.resolve("root"));
        Files.writeString(temp.resolve("secret"), SECRET);
        Files.createDirectories(root.resolve("etc"));
        Files.writeString(root.resolve("etc/file"), INSIDE);
        Files.createSymbolicLink(root.resolve("absolute"), Path.of("/etc/file"));
        Files.createSymbolicLink(root.resolve("up"), Path.of("../../secret"));
        Files.createSymbolicLink(root.resolve("host"), temp.resolve("secret"));
        Files.createSymbolicLink(root.resolve("dangling"), Path.of("/etc/made"));
        Files.createSymbolicLink(root.resolve("tmpdir"), temp);
        Files.createSymbolicLink(root.resolve("selfroot"), Path.of("/proc/self/root/etc/file"));
        Files.createSymbolicLink(root.resolve("loop"), Path.of("loop"));
        memory = PhysicalMemory.reserve(16L << 20);
        PageCache pages = new PageCache(memory);
        proc.hugetlb = new HugetlbPools(pages);
        files = new FileSystem(pages, proc.hugetlb, Isolation.confinedTo(root), proc);
        fs = files.newContext(null);
    }

    @AfterEach
    void close() {
        fs.put();
        files.close();
        memory.close();
    }

    @Test
    void absolutePathsBeginAtTheRoot() {
        assertThat(contentOf("/etc/file")).isEqualTo(INSIDE);
    }

    @Test
    void dotDotStopsAtTheRoot() {
        assertThat(contentOf("/../../../etc/file")).isEqualTo(INSIDE);
        assertThat(open("../secret", OpenFlags.O_RDONLY).error()).isEqualTo(-Errno.ENOENT);
        assertThat(open("/etc/../../secret", OpenFlags.O_RDONLY).error()).isEqualTo(-Errno.ENOENT);
    }

    @Test
    void absoluteLinksResolveInsideTheRoot() {
        assertThat(contentOf("/absolute")).isEqualTo(INSIDE);
    }

    @Test
    void linksThatPointOutsideFindNothing() {
        assertThat(open("/up", OpenFlags.O_RDONLY).error()).isEqualTo(-Errno.ENOENT);
        assertThat(open("/host", OpenFlags.O_RDONLY).error()).isEqualTo(-Errno.ENOENT);
        assertThat(open("/tmpdir/secret", OpenFlags.O_RDONLY).error()).isEqualTo(-Errno.ENOENT);
    }

    @Test
    void aLinkToItselfIsALoop() {
        assertThat(open("/loop", OpenFlags.O_RDONLY).error()).isEqualTo(-Errno.ELOOP);
    }

    @Test
    void creatingThroughADanglingLinkCreatesInside() {
        Opened made = open("/dangling", OpenFlags.O_CREAT | OpenFlags.O_WRONLY);
        assertThat(made.error()).isZero();
        made.file().put();
        assertThat(temp.resolve("root/etc/made")).exists();
    }

    @Test
    void procSelfRootIsTheGuestsRoot() {
        assertThat(contentOf("/proc/self/root/etc/file")).isEqualTo(INSIDE);
        assertThat(contentOf("/selfroot")).isEqualTo(INSIDE);
        assertThat(open("/proc/self/root/../secret", OpenFlags.O_RDONLY).error())
                .isEqualTo(-Errno.ENOENT);
    }

    @Test
    void theHostsOwnProcessIsNotInProc() {
        String own = "/proc/" + ProcessHandle.current().pid();
        assertThat(open(own + "/mem", OpenFlags.O_RDWR).error()).isEqualTo(-Errno.ENOENT);
        assertThat(open("/proc/1/environ", OpenFlags.O_RDONLY).error()).isEqualTo(-Errno.ENOENT);
        assertThat(open("/proc/self/fd/" + files.root().fd(), OpenFlags.O_PATH).error())
                .isEqualTo(-Errno.ENOENT);
        assertThat(open("/proc/kcore", OpenFlags.O_RDONLY).error()).isEqualTo(-Errno.ENOENT);
    }

    @Test
    void devicesOfTheRootAreTheHostsButCannotBeChanged() {
        Opened none = open("/dev/null", OpenFlags.O_RDWR);
        assertThat(none.error()).isZero();
        none.file().put();
        try (PathRef ref = fs.resolve(caller, null, "/dev/null", LastComponent.NAME)) {
            assertThat(ref.error()).isEqualTo(-Errno.EPERM);
        }
        assertThat(open("/dev/mem", OpenFlags.O_RDONLY).error()).isEqualTo(-Errno.ENOENT);
    }

    @Test
    void statOfALinkIsTheLinksAndFollowingStaysInside() {
        assertThat(typeOf("/host", LastComponent.NO_FOLLOW)).isEqualTo(HostStat.S_IFLNK);
        try (PathRef ref = fs.resolve(caller, null, "/host", LastComponent.FOLLOW)) {
            assertThat(ref.error()).isEqualTo(-Errno.ENOENT);
        }
        assertThat(typeOf("/absolute", LastComponent.FOLLOW)).isEqualTo(HostStat.S_IFREG);
    }

    @Test
    void aTrailingSlashOnALinkDoesNotEscape() {
        try (PathRef ref = fs.resolve(caller, null, "/tmpdir/", LastComponent.NO_FOLLOW)) {
            assertThat(ref.error()).isEqualTo(-Errno.ENOENT);
        }
    }

    @Test
    void removingByNameRemovesTheLinkAndNotItsTarget() {
        try (PathRef ref = fs.resolve(caller, null, "/host", LastComponent.NAME)) {
            assertThat(Libc.call(Nr.UNLINKAT, ref.dirFd(), ref.pointer(), 0)).isZero();
        }
        assertThat(temp.resolve("root/host")).doesNotExist();
        assertThat(temp.resolve("secret")).exists();
    }

    @Test
    void relativePathsBeginAtADirectoryDescriptor() {
        OpenFile etc = open("/etc", OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY).file();
        Opened file = fs.open(caller, etc, "file", OpenFlags.O_RDONLY, 0);
        assertThat(read(file.file())).isEqualTo(INSIDE);
        assertThat(fs.open(caller, etc, "../../secret", OpenFlags.O_RDONLY, 0).error())
                .isEqualTo(-Errno.ENOENT);
        file.file().put();
        etc.put();
    }

    @Test
    void theWorkingDirectoryIsToldFromTheRoot() {
        assertThat(fs.cwdPath()).isEqualTo("/");
        fs.setCwd(open("/etc", OpenFlags.O_PATH | OpenFlags.O_DIRECTORY).file());
        assertThat(fs.cwdPath()).isEqualTo("/etc");
        assertThat(contentOf("file")).isEqualTo(INSIDE);
    }

    @Test
    void restrictedOpenKeepsTheRootToo() {
        int beneath = OpenFlags.RESOLVE_BENEATH;
        assertThat(fs.openRestricted(caller, null, "up", OpenFlags.O_RDONLY, 0, beneath)
                        .error())
                .isEqualTo(-Errno.EXDEV);
        assertThat(fs.openRestricted(caller, null, "up", OpenFlags.O_RDONLY, 0, 0)
                        .error())
                .isEqualTo(-Errno.ENOENT);
    }

    @Test
    void dotDotBehindAProcLinkGoesUpFromWhereItLeads() {
        proc.fs = fs;
        fs.setCwd(open("/etc", OpenFlags.O_PATH | OpenFlags.O_DIRECTORY).file());
        assertThat(contentOf("/proc/self/cwd/../etc/file")).isEqualTo(INSIDE);
        assertThat(contentOf("/proc/self/cwd/file")).isEqualTo(INSIDE);
        assertThat(contentOf("/proc/self/task/../comm")).startsWith("comm of 100");
    }

    @Test
    void theRootItselfIsADirectoryAlsoWithoutFollowing() {
        assertThat(typeOf("/", LastComponent.NO_FOLLOW)).isEqualTo(HostStat.S_IFDIR);
        assertThat(typeOf("/etc/.", LastComponent.NO_FOLLOW)).isEqualTo(HostStat.S_IFDIR);
    }

    @Test
    void aDescriptorIsReopenedThroughProcAndNothingElseIs() {
        proc.table = new FdTable();
        int fd = proc.table.install(open("/etc/file", OpenFlags.O_RDONLY).file(), 5, false, 10);
        assertThat(contentOf("/proc/self/fd/" + fd)).isEqualTo(INSIDE);
        assertThat(contentOf("/dev/fd/" + fd)).isEqualTo(INSIDE);
        assertThat(open("/proc/self/fd/0", OpenFlags.O_RDONLY).error()).isEqualTo(-Errno.ENOENT);
        proc.table.put();
    }

    private Opened open(String path, int flags) {
        return fs.open(caller, null, path, flags, 0644);
    }

    private String contentOf(String path) {
        Opened opened = open(path, OpenFlags.O_RDONLY);
        assertThat(opened.error()).as("open " + path).isZero();
        String text = read(opened.file());
        opened.file().put();
        return text;
    }

    private String read(OpenFile file) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(64);
            long n = file.read(caller, buffer, 64, 0);
            return new String(buffer.toArray(ValueLayout.JAVA_BYTE), 0, (int) n, StandardCharsets.UTF_8);
        }
    }

    private int typeOf(String path, LastComponent last) {
        try (PathRef ref = fs.resolve(caller, null, path, last)) {
            assertThat(ref.error()).isZero();
            MemorySegment stat = HostScratch.get().struct();
            int flags = ref.flags(last == LastComponent.NO_FOLLOW ? OpenFlags.AT_SYMLINK_NOFOLLOW : 0);
            assertThat(Libc.call(Nr.NEWFSTATAT, ref.dirFd(), ref.pointer(), stat.address(), flags))
                    .isZero();
            return HostStat.mode(stat) & HostStat.S_IFMT;
        }
    }
}
