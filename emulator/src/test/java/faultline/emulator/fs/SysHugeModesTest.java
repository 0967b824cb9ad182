package faultline.emulator.fs;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.mm.MmSysctl;
import faultline.mmu.mm.ThpMode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** What the files of transparent huge pages say, and what writing to them changes. */
class SysHugeModesTest {
    private static final String FOLDER = "/sys/kernel/mm/transparent_hugepage/";

    private final MmSysctl sysctl = new MmSysctl();
    private final SysHugeModes modes = new SysHugeModes(sysctl);

    private String read(String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(256);
            OpenFile file = modes.lookup(FOLDER + name).open(OpenFlags.O_RDONLY).file();
            long n = file.pread(null, text, 256, 0, 0);
            file.put();
            return new String(text.asSlice(0, n).toArray(JAVA_BYTE), StandardCharsets.UTF_8);
        }
    }

    private long write(String name, String value) {
        try (Arena arena = Arena.ofConfined()) {
            OpenFile file = modes.lookup(FOLDER + name).open(OpenFlags.O_WRONLY).file();
            byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
            MemorySegment from = arena.allocate(bytes.length);
            MemorySegment.copy(bytes, 0, from, JAVA_BYTE, 0, bytes.length);
            long n = file.write(null, from, bytes.length, 0);
            file.put();
            return n;
        }
    }

    @Test
    void theModeIsTheMachines() {
        sysctl.thp = ThpMode.ALWAYS;
        assertThat(read("enabled")).isEqualTo("[always] madvise never\n");
        assertThat(write("enabled", "never\n")).isEqualTo(6);
        assertThat(sysctl.thp).isEqualTo(ThpMode.NEVER);
        assertThat(read("enabled")).isEqualTo("always madvise [never]\n");
        assertThat(write("enabled", "sometimes\n")).isEqualTo(-Errno.EINVAL);
        assertThat(sysctl.thp).isEqualTo(ThpMode.NEVER);
    }

    @Test
    void oneValueIsNotTakenForAnother() {
        assertThat(write("defrag", "defer+madvise")).isEqualTo(13);
        assertThat(read("defrag")).isEqualTo("always defer [defer+madvise] madvise never\n");
        assertThat(write("defrag", "defer")).isEqualTo(5);
        assertThat(read("defrag")).isEqualTo("always [defer] defer+madvise madvise never\n");
    }

    @Test
    void sharedMemoryHasNone() {
        assertThat(write("shmem_enabled", "always")).isEqualTo(-Errno.EINVAL);
        assertThat(write("shmem_enabled", "deny")).isEqualTo(4);
        assertThat(read("shmem_enabled")).isEqualTo("always within_size advise never [deny] force\n");
    }
}
