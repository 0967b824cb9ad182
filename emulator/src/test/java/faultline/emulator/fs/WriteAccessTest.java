package faultline.emulator.fs;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.file.PageCache;
import faultline.mmu.hugetlb.HugetlbPools;
import faultline.mmu.phys.PhysicalMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file is open for writing or executed, never both. */
class WriteAccessTest {
    private static final int RACES = 2_000;

    @TempDir
    Path temp;

    private final Caller caller = new TestCaller(1, 1);
    private PhysicalMemory memory;
    private FileSystem files;
    private FsContext fs;
    private Path program;

    @BeforeEach
    void open() throws IOException {
        memory = PhysicalMemory.reserve(16L << 20);
        PageCache pages = new PageCache(memory);
        files = new FileSystem(pages, new HugetlbPools(pages), Isolation.NONE, null);
        fs = files.newContext(null);
        program = Files.writeString(temp.resolve("program"), "code");
    }

    @AfterEach
    void close() {
        fs.put();
        files.close();
        memory.close();
    }

    private Opened open(int flags) {
        return fs.open(caller, null, program.toString(), flags, 0);
    }

    private WriteAccess.Denial execute() {
        OpenFile file = open(OpenFlags.O_RDONLY).file();
        try {
            return files.root().writeAccess().deny(file);
        } finally {
            file.put();
        }
    }

    @Test
    void anExecutedFileKeepsWhatItHasAtOTrunc() throws IOException {
        WriteAccess.Denial denial = execute();
        for (int access : new int[] {OpenFlags.O_RDONLY, OpenFlags.O_WRONLY, OpenFlags.O_RDWR}) {
            assertThat(open(access | OpenFlags.O_TRUNC).error()).isEqualTo(-Errno.ETXTBSY);
        }
        assertThat(Files.readString(program)).isEqualTo("code");
        denial.close();
        Opened opened = open(OpenFlags.O_WRONLY | OpenFlags.O_TRUNC);
        assertThat(opened.error()).isZero();
        opened.file().put();
        assertThat(Files.size(program)).isZero();
    }

    @Test
    void everyAddressSpaceThatHasTheProgramKeepsWritersOut() {
        WriteAccess.Denial denial = execute();
        WriteAccess.Denial ofChild = denial.again();
        denial.close();
        assertThat(open(OpenFlags.O_WRONLY).error()).isEqualTo(-Errno.ETXTBSY);
        ofChild.close();
        Opened writer = open(OpenFlags.O_WRONLY);
        assertThat(writer.error()).isZero();
        assertThat(execute()).isNull();
        writer.file().put();
        execute().close();
    }

    @Test
    void ofAWriterAndAProgramThatRaceAtMostOneComesIn() throws Exception {
        WriteAccess access = files.root().writeAccess();
        HostFile file = (HostFile) open(OpenFlags.O_RDONLY).file();
        AtomicInteger writers = new AtomicInteger();
        AtomicInteger programs = new AtomicInteger();
        CountDownLatch start = new CountDownLatch(2);
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Future<Integer> together = threads.submit(() -> {
                start.countDown();
                start.await();
                int seen = 0;
                for (int i = 0; i < RACES; i++) {
                    if (access.get(file.key())) {
                        writers.incrementAndGet();
                        seen += programs.get();
                        writers.decrementAndGet();
                        access.put(file.key());
                    }
                }
                return seen;
            });
            start.countDown();
            start.await();
            int seen = 0;
            for (int i = 0; i < RACES; i++) {
                WriteAccess.Denial denial = access.deny(file);
                if (denial != null) {
                    programs.incrementAndGet();
                    seen += writers.get();
                    programs.decrementAndGet();
                    denial.close();
                }
            }
            assertThat(seen + together.get()).isZero();
        }
        file.put();
        assertThat(access.get(file.key())).isTrue();
        access.put(file.key());
    }
}
