package faultline.emulator.fs;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MemorySystem;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the files of same-page merging say, and what may be written to them. */
class SysKsmTest {
    private static final String FOLDER = "/sys/kernel/mm/ksm/";

    private final MemorySystem memory = new MemorySystem(MemoryConfig.defaults().withMemBytes(16L << 20));
    private final SysKsm files = new SysKsm(memory::ksm);

    @AfterEach
    void close() {
        memory.close();
    }

    private String read(String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(256);
            OpenFile file = files.lookup(FOLDER + name).open(OpenFlags.O_RDONLY).file();
            long n = file.pread(null, text, 256, 0, 0);
            file.put();
            return new String(text.asSlice(0, n).toArray(JAVA_BYTE), StandardCharsets.UTF_8);
        }
    }

    private long write(String name, String value) {
        assumeTrue(Libc.call(Nr.GETEUID) == 0, "only root may write");
        try (Arena arena = Arena.ofConfined()) {
            OpenFile file = files.lookup(FOLDER + name).open(OpenFlags.O_WRONLY).file();
            byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
            MemorySegment from = arena.allocate(bytes.length);
            MemorySegment.copy(bytes, 0, from, JAVA_BYTE, 0, bytes.length);
            long n = file.write(null, from, bytes.length, 0);
            file.put();
            return n;
        }
    }

    @ParameterizedTest
    @CsvSource({
        "run, 0",
        "pages_to_scan, 100",
        "sleep_millisecs, 20",
        "max_page_sharing, 256",
        "smart_scan, 1",
        "pages_shared, 0",
        "general_profit, 0",
        "stable_node_chains, 0"
    })
    void valuesAreLinuxsToBeginWith(String name, String value) {
        assertThat(read(name)).isEqualTo(value + "\n");
    }

    @ParameterizedTest
    @CsvSource({
        "run, +1, 1", "run, 2, 2", "pages_to_scan, 4, 4", "pages_to_scan, 4294967295, 4294967295",
        "sleep_millisecs, 0, 0", "max_page_sharing, 2, 2", "smart_scan, no, 0", "smart_scan, on, 1",
        "smart_scan, 0x1, 0"
    })
    void whatLinuxTakesIsTaken(String name, String written, String then) {
        assertThat(write(name, written + "\n")).isEqualTo(written.length() + 1);
        assertThat(read(name)).isEqualTo(then + "\n");
    }

    @ParameterizedTest
    @CsvSource({
        "run, 3",
        "run, -1",
        "run, 1x",
        "run, ' 1'",
        "run, 0x1",
        "run, y",
        "pages_to_scan, -1",
        "pages_to_scan, 99999999999",
        "sleep_millisecs, abc",
        "max_page_sharing, 1",
        "smart_scan, 4",
        "smart_scan, ' 1'"
    })
    void whatLinuxRefusesIsRefused(String name, String written) {
        assertThat(write(name, written + "\n")).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void countsAreNobodysToWrite() {
        assertThat(files.lookup(FOLDER + "full_scans").open(OpenFlags.O_WRONLY).error())
                .isEqualTo(-Errno.EACCES);
        assertThat(files.lookup(FOLDER + "advisor_mode")).isSameAs(VirtualTree.ABSENT);
        assertThat(files.lookup("/sys/kernel/mm/ksmd")).isNull();
    }
}
