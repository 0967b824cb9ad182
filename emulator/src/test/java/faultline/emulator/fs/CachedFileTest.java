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
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** read(2), write(2), truncation and the pages of mappings are one truth; nothing is lost on the host. */
class CachedFileTest {
    @TempDir
    Path temp;

    private final Caller caller = new TestCaller(1, 1);
    private PhysicalMemory memory;
    private long freeFrames;
    private PageCache pages;
    private FileSystem files;
    private FsContext fs;
    private Path path;

    @BeforeEach
    void open() throws IOException {
        memory = PhysicalMemory.reserve(16L << 20);
        freeFrames = memory.allocator().freeFrames();
        pages = new PageCache(memory);
        files = new FileSystem(pages, new HugetlbPools(pages), Isolation.NONE, null);
        fs = files.newContext(null);
        path = temp.resolve("file");
        byte[] content = new byte[3 * 4096];
        Arrays.fill(content, (byte) 'a');
        Files.write(path, content);
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
    void readSeesWhatAMappingChanged() {
        HostFile mapped = file(OpenFlags.O_RDWR);
        poke(mapped, 4096, "mapped");
        HostFile other = file(OpenFlags.O_RDONLY);
        assertThat(pread(other, 4094, 10)).isEqualTo("aamappedaa");
        other.put();
        mapped.put();
    }

    @Test
    void pagesSeeWhatWasWritten() {
        HostFile mapped = file(OpenFlags.O_RDWR);
        assertThat(peek(mapped, 4096, 2)).isEqualTo("aa");
        HostFile other = file(OpenFlags.O_WRONLY);
        pwrite(other, 4095, "xyz");
        assertThat(peek(mapped, 4096, 2)).isEqualTo("yz");
        other.put();
        mapped.put();
    }

    @Test
    void dirtyPagesReachTheHostAtTheLastClose() throws IOException {
        HostFile mapped = file(OpenFlags.O_RDWR);
        poke(mapped, 8192, "kept");
        mapped.put();
        assertThat(new String(Files.readAllBytes(path), 8190, 8, StandardCharsets.US_ASCII))
                .isEqualTo("aakeptaa");
        assertThat(Files.size(path)).isEqualTo(3 * 4096);
    }

    @Test
    void dirtyPagesReachTheHostAtFsync() throws IOException {
        HostFile mapped = file(OpenFlags.O_RDWR);
        poke(mapped, 0, "synced");
        assertThat(mapped.writeback()).isZero();
        assertThat(new String(Files.readAllBytes(path), 0, 6, StandardCharsets.US_ASCII))
                .isEqualTo("synced");
        mapped.put();
    }

    @Test
    void writeBackDoesNotLengthenAFile() throws IOException {
        Files.write(path, "short".getBytes(StandardCharsets.US_ASCII));
        HostFile mapped = file(OpenFlags.O_RDWR);
        poke(mapped, 0, "SHORT and more");
        mapped.put();
        assertThat(Files.readString(path)).isEqualTo("SHORT");
    }

    @Test
    void theFilePositionIsKeptWithCachedPages() {
        HostFile mapped = file(OpenFlags.O_RDWR);
        poke(mapped, 0, "0123456789");
        assertThat(read(mapped, 4)).isEqualTo("0123");
        assertThat(read(mapped, 4)).isEqualTo("4567");
        write(mapped, "XY");
        assertThat(mapped.lseek(0, 1)).isEqualTo(10);
        assertThat(peek(mapped, 0, 10)).isEqualTo("01234567XY");
        mapped.put();
    }

    @Test
    void appendingGoesToTheEndAndGrowsTheCachedSize() {
        HostFile mapped = file(OpenFlags.O_RDWR | OpenFlags.O_APPEND);
        AddressSpace mapping = mapped.mapping();
        assertThat(peek(mapped, 8192, 1)).isEqualTo("a");
        write(mapped, "end");
        assertThat(mapping.size()).isEqualTo(3 * 4096 + 3);
        assertThat(pread(mapped, 3 * 4096 - 1, 10)).isEqualTo("aend");
        mapped.put();
    }

    @Test
    void truncationClearsTheRestOfTheLastPage() throws IOException {
        HostFile mapped = file(OpenFlags.O_RDWR);
        assertThat(peek(mapped, 4096, 1)).isEqualTo("a");
        assertThat(mapped.truncate(4097)).isZero();
        assertThat(Files.size(path)).isEqualTo(4097);
        assertThat(mapped.truncate(8192)).isZero();
        assertThat(pread(mapped, 4096, 3)).isEqualTo("a\0\0");
        assertThat(peek(mapped, 4096, 3)).isEqualTo("a\0\0");
        mapped.put();
    }

    @Test
    void openingWithTruncEmptiesCachedPages() {
        HostFile mapped = file(OpenFlags.O_RDWR);
        assertThat(peek(mapped, 0, 1)).isEqualTo("a");
        file(OpenFlags.O_WRONLY | OpenFlags.O_TRUNC).put();
        assertThat(mapped.mapping().size()).isZero();
        assertThat(pread(mapped, 0, 10)).isEmpty();
        mapped.put();
    }

    @Test
    void aPunchedHoleReadsAsZeros() {
        HostFile mapped = file(OpenFlags.O_RDWR);
        poke(mapped, 4096, "gone");
        assertThat(mapped.allocate(3, 4096, 4096)).isZero();
        assertThat(pread(mapped, 4095, 3)).isEqualTo("a\0\0");
        assertThat(peek(mapped, 4096, 2)).isEqualTo("\0\0");
        mapped.put();
    }

    @Test
    void twoOpenFilesOfOneInodeShareOneCache() {
        HostFile one = file(OpenFlags.O_RDONLY);
        HostFile two = file(OpenFlags.O_RDWR);
        assertThat(one.mapping()).isSameAs(two.mapping());
        poke(two, 0, "both");
        two.put();
        assertThat(peek(one, 0, 4)).isEqualTo("both");
        one.put();
    }

    @Test
    void mappingAProgramDoesNotKeepTheHostFromExecutingIt() throws Exception {
        Files.copy(Path.of("/bin/true"), path, StandardCopyOption.REPLACE_EXISTING);
        path.toFile().setExecutable(true);
        HostFile program = file(OpenFlags.O_RDONLY);
        assertThat(peek(program, 0, 4)).isEqualTo("\177ELF");
        assertThat(new ProcessBuilder(path.toString()).start().waitFor()).isZero();
        program.put();
    }

    private HostFile file(int flags) {
        String name = new String(path.toString().getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        Opened opened = fs.open(caller, null, name, flags, 0);
        assertThat(opened.error()).isZero();
        return (HostFile) opened.file();
    }

    /** Stores into the cached page as a store through a shared mapping does. */
    private void poke(HostFile file, long position, String text) {
        AddressSpace mapping = file.mapping();
        long pfn = frame(mapping, position);
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        MemorySegment.copy(
                bytes, 0, memory.segment(), ValueLayout.JAVA_BYTE, (pfn << Page.SHIFT) + position % 4096, bytes.length);
        mapping.setPageDirty(pfn);
        memory.allocator().putPage(pfn);
    }

    private String peek(HostFile file, long position, int length) {
        long pfn = frame(file.mapping(), position);
        byte[] bytes = new byte[length];
        MemorySegment.copy(
                memory.segment(), ValueLayout.JAVA_BYTE, (pfn << Page.SHIFT) + position % 4096, bytes, 0, length);
        memory.allocator().putPage(pfn);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private static long frame(AddressSpace mapping, long position) {
        long pfn = mapping.readPage(position >>> Page.SHIFT, false, false);
        assertThat(pfn).isNotNegative();
        return pfn & ~AddressSpace.WAS_READ;
    }

    private String pread(HostFile file, long position, int length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(length);
            return text(to, file.pread(caller, to, length, position, 0));
        }
    }

    private String read(HostFile file, int length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(length);
            return text(to, file.read(caller, to, length, 0));
        }
    }

    private static String text(MemorySegment from, long length) {
        assertThat(length).isNotNegative();
        byte[] bytes = from.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private void pwrite(HostFile file, long position, String text) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment from = arena.allocateFrom(text);
            assertThat(file.pwrite(caller, from, text.length(), position, 0)).isEqualTo(text.length());
        }
    }

    private void write(HostFile file, String text) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment from = arena.allocateFrom(text);
            assertThat(file.write(caller, from, text.length(), 0)).isEqualTo(text.length());
        }
    }
}
