package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MmFixture;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The tables of what each flag does say what the code does. */
class BehaviourTableTest {
    private static List<String[]> rows(String call) throws IOException {
        try (InputStream in =
                BehaviourTableTest.class.getResourceAsStream("/faultline/mmu/behaviour/" + call + ".tsv")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .skip(1)
                    .map(line -> line.split("\t"))
                    .toList();
        }
    }

    private static String name(long result, String success) {
        return Errno.isError(result) ? Errno.name((int) -result) : success;
    }

    @Test
    void madvise() throws IOException {
        List<String[]> rows = rows("madvise");
        assertThat(rows).hasSizeGreaterThan(20);
        for (String[] row : rows) {
            for (int kind = 3; kind < row.length; kind++) {
                try (MmFixture m = new MmFixture()) {
                    long at = mapping(m, kind - 3);
                    long result = m.madvise(at, 2 * PAGE, Integer.parseInt(row[1]));
                    assertThat(name(result, "0"))
                            .as("%s of kind %d", row[0], kind - 3)
                            .isEqualTo(row[kind]);
                }
            }
        }
    }

    private static long mapping(MmFixture m, int kind) {
        int fixed = MmapFlags.FIXED;
        long at = MmFixture.ok(
                switch (kind) {
                    case 0, 6 -> m.mmap(BASE, 4 * PAGE, RW, MmFixture.FIXED);
                    case 1 -> m.mmap(BASE, 4 * PAGE, RW, fixed | MmapFlags.SHARED | MmapFlags.ANONYMOUS);
                    case 2 -> m.mmap(BASE, 4 * PAGE, RW, fixed | MmapFlags.SHARED, m.file(8), 0);
                    case 3 -> m.mmap(BASE, 4 * PAGE, RW, fixed | MmapFlags.PRIVATE, m.file(8), 0);
                    case 4 -> m.mmap(BASE, 4 * PAGE, RW, MmFixture.FIXED | MmapFlags.LOCKED);
                    default -> m.mmap(BASE, 4 * PAGE, Prot.NONE, MmFixture.FIXED);
                });
        if (kind < 5) {
            m.cpu.store(at, 1);
        } else if (kind == 6) {
            MmFixture.ok(m.munmap(at, 4 * PAGE));
        }
        return at;
    }

    @Test
    void mmap() throws IOException {
        List<String[]> rows = rows("mmap");
        assertThat(rows).hasSizeGreaterThan(20);
        for (String[] row : rows) {
            try (MmFixture m = new MmFixture()) {
                int flags = Integer.decode(row[1]);
                MemoryFile file = null;
                for (String with : row[3].split("\\|")) {
                    switch (with) {
                        case "ANONYMOUS" -> flags |= MmapFlags.ANONYMOUS;
                        case "PRIVATE" -> flags |= MmapFlags.PRIVATE;
                        case "SHARED" -> flags |= MmapFlags.SHARED;
                        case "SHARED_VALIDATE" -> flags |= MmapFlags.SHARED_VALIDATE;
                        default -> file = m.file(2);
                    }
                }
                long result = m.mmap(BASE, PAGE, RW, flags, file, 0);
                assertThat(name(result, "ok")).as("%s with %s", row[0], row[3]).isEqualTo(row[4]);
            }
        }
    }

    @Test
    void mremap() throws IOException {
        List<String[]> rows = rows("mremap");
        assertThat(rows).hasSizeGreaterThan(10);
        for (String[] row : rows) {
            try (MmFixture m = new MmFixture()) {
                long at = m.map(BASE, 2);
                m.fill(at, 2, 1);
                int flags = 0;
                for (String flag : row[0].split("\\|")) {
                    flags |= switch (flag) {
                        case "MAYMOVE" -> MmapFlags.MREMAP_MAYMOVE;
                        case "FIXED" -> MmapFlags.MREMAP_FIXED;
                        case "DONTUNMAP" -> MmapFlags.MREMAP_DONTUNMAP;
                        default -> 0;
                    };
                }
                long result = m.mremap(
                        at, Long.parseLong(row[2]) * PAGE, Long.parseLong(row[3]) * PAGE, flags, at + 64 * PAGE);
                assertThat(name(result, result == at ? "same" : "moved"))
                        .as("flags %s, %s to %s pages", row[0], row[2], row[3])
                        .isEqualTo(row[4]);
            }
        }
    }
}
