package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.system.MmFixture;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The table of what calls on ranges answer holds for the memory manager. */
class RangeTableTest {
    private static final List<String> KINDS = List.of("whole", "odd", "empty", "gap-behind", "nothing", "wraps");

    private static long start(String kind) {
        return switch (kind) {
            case "odd" -> BASE + 1;
            case "nothing" -> BASE + 2 * PAGE;
            default -> BASE;
        };
    }

    private static long length(String kind) {
        return switch (kind) {
            case "empty" -> 0;
            case "gap-behind" -> 4 * PAGE;
            case "wraps" -> -PAGE;
            default -> PAGE;
        };
    }

    private static long call(MmFixture m, String call, int flags, long start, long length) {
        Mlock mlock = m.sys.mlock();
        return switch (call) {
            case "munmap" -> m.munmap(start, length);
            case "mprotect" -> m.mprotect(start, length, flags);
            case "mlock" -> mlock.mlock(m.mm, m.ctx, start, length);
            case "mlock2" -> mlock.mlock2(m.mm, m.ctx, start, length, flags);
            case "munlock" -> mlock.munlock(m.mm, start, length);
            case "msync" -> m.sys.msync().run(m.mm, start, length, flags);
            case "mincore" -> mincore(m, start, length);
            default -> throw new IllegalArgumentException(call);
        };
    }

    private static long mincore(MmFixture m, long start, long length) {
        long pages = Mincore.pages(start, length);
        for (long done = 0; done < pages; ) {
            long got = m.sys.mincore().run(m.mm, start + done * PAGE, (int) (pages - done), new byte[8]);
            if (got < 0) {
                return got;
            }
            done += got;
        }
        return Math.min(pages, 0);
    }

    @Test
    void everyCallAnswersAsTheTableSays() throws IOException {
        String text;
        try (InputStream in = RangeTableTest.class.getResourceAsStream("/faultline/mmu/behaviour/ranges.tsv")) {
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        List<String[]> rows = text.lines()
                .filter(line -> !line.startsWith("#"))
                .skip(1)
                .map(line -> line.split("\t"))
                .toList();
        assertThat(rows).hasSize(21);
        for (String[] row : rows) {
            for (int i = 0; i < KINDS.size(); i++) {
                String kind = KINDS.get(i);
                try (MmFixture m = new MmFixture()) {
                    m.map(BASE, 4);
                    m.munmap(BASE + 2 * PAGE, PAGE);
                    long result = call(m, row[0], Integer.parseInt(row[1]), start(kind), length(kind));
                    assertThat(result == 0 ? "0" : Errno.name((int) -result))
                            .as("%s %s, %s", row[0], row[1], kind)
                            .isEqualTo(row[2 + i]);
                }
            }
        }
    }
}
