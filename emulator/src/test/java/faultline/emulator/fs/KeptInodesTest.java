package faultline.emulator.fs;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.host.OpenFlags;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.PageCache;
import faultline.mmu.hugetlb.HugetlbPools;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pages of files that nobody has open any more are used again, but only while the file is the same. */
class KeptInodesTest {
    @TempDir
    Path temp;

    private final Caller caller = new TestCaller(1, 1);
    private PhysicalMemory memory;
    private long freeFrames;
    private FileSystem files;
    private FsContext fs;

    @BeforeEach
    void open() {
        memory = PhysicalMemory.reserve(16L << 20);
        freeFrames = memory.allocator().freeFrames();
        PageCache pages = new PageCache(memory);
        files = new FileSystem(pages, new HugetlbPools(pages), Isolation.NONE, null);
        fs = files.newContext(null);
    }

    @AfterEach
    void close() {
        fs.put();
        assertThat(files.inodes().size()).isZero();
        files.close();
        assertThat(memory.allocator().freeFrames()).isEqualTo(freeFrames);
        memory.close();
    }

    @Test
    void aFileThatIsMappedAgainFindsItsPages() throws IOException {
        Path path = write("library", "code");
        AddressSpace first = showAndClose(path, "code");
        HostFile again = file(path, OpenFlags.O_RDONLY);
        assertThat(again.mapping()).isSameAs(first);
        assertThat(again.mapping().isCached(0)).isTrue();
        again.put();
    }

    @Test
    void aFileThatTheHostChangedIsReadAgain() throws IOException {
        Path path = write("library", "old!");
        showAndClose(path, "old!");
        write("library", "new!");
        showAndClose(path, "new!");
    }

    @Test
    void aFileThatWasReplacedIsReadAgain() throws IOException {
        Path path = write("library", "old!");
        showAndClose(path, "old!");
        Files.delete(path);
        write("library", "new!");
        showAndClose(path, "new!");
    }

    @Test
    void whatTheGuestWritesMeanwhileIsSeenByTheNextMapping() throws IOException {
        Path path = write("library", "old!");
        AddressSpace first = showAndClose(path, "old!");
        HostFile writer = file(path, OpenFlags.O_WRONLY);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment from = arena.allocateFrom("new!");
            assertThat(writer.pwrite(caller, from, 4, 0, 0)).isEqualTo(4);
        }
        writer.put();
        assertThat(first.cachedPages()).isZero();
        showAndClose(path, "new!");
    }

    @Test
    void aFileThatCouldBeWrittenIsNotKept() throws IOException {
        Path path = write("data", "text");
        HostFile file = file(path, OpenFlags.O_RDWR);
        AddressSpace mapping = file.mapping();
        assertThat(peek(mapping)).isEqualTo("text");
        file.put();
        assertThat(mapping.cachedPages()).isZero();
    }

    @Test
    void aDeletedFileIsNotKept() throws IOException {
        Path path = write("library", "code");
        HostFile file = file(path, OpenFlags.O_RDONLY);
        AddressSpace mapping = file.mapping();
        assertThat(peek(mapping)).isEqualTo("code");
        Files.delete(path);
        file.put();
        assertThat(mapping.cachedPages()).isZero();
    }

    @Test
    void theFileUnusedForLongestMakesRoom() throws IOException {
        AddressSpace oldest = showAndClose(write("0", "zero"), "zero");
        for (int i = 1; i < InodeCache.MOST_KEPT; i++) {
            showAndClose(write(Integer.toString(i), "some"), "some");
        }
        assertThat(oldest.cachedPages()).isPositive();
        showAndClose(write("last", "last"), "last");
        assertThat(oldest.cachedPages()).isZero();
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(temp.resolve(name), text);
    }

    private AddressSpace showAndClose(Path path, String expected) {
        HostFile file = file(path, OpenFlags.O_RDONLY);
        AddressSpace mapping = file.mapping();
        assertThat(peek(mapping)).isEqualTo(expected);
        file.put();
        return mapping;
    }

    private HostFile file(Path path, int flags) {
        String name = new String(path.toString().getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        Opened opened = fs.open(caller, null, name, flags, 0);
        assertThat(opened.error()).isZero();
        return (HostFile) opened.file();
    }

    /** The first four bytes of a file as mappings show them. */
    private String peek(AddressSpace mapping) {
        long pfn = mapping.readPage(0, true, false);
        assertThat(pfn).isNotNegative();
        byte[] bytes = new byte[4];
        pfn &= ~AddressSpace.WAS_READ;
        MemorySegment.copy(memory.segment(), Page.address(pfn), MemorySegment.ofArray(bytes), 0, 4);
        memory.allocator().putPage(pfn);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
