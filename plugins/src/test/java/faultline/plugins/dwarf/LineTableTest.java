package faultline.plugins.dwarf;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LineTableTest {
    private static final ByteBuffer NONE = ByteBuffer.allocate(0);
    /** Line base -5, line range 14, opcode base 13: what gcc and clang use. */
    private static final byte[] STANDARD_OPERANDS = {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1};

    /** Bytes in the order in which they are put. */
    private static final class Bytes {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Bytes put(int... bytes) {
            for (int each : bytes) {
                out.write(each);
            }
            return this;
        }

        Bytes number(long value, int size) {
            for (int i = 0; i < size; i++) {
                out.write((int) (value >>> 8 * i));
            }
            return this;
        }

        Bytes text(String text) {
            out.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
            return put(0);
        }

        Bytes all(Bytes other) {
            out.writeBytes(other.out.toByteArray());
            return this;
        }

        int size() {
            return out.size();
        }

        ByteBuffer buffer() {
            return ByteBuffer.wrap(out.toByteArray()).order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    /**
     * Code from 0x401000 to 0x401040: line 10, from +4 line 12 of the header, from +0x14 line 0, from +0x18 line 11.
     */
    private static Bytes program() {
        var code = new Bytes();
        code.put(0, 9, 2).number(0x401000, 8); // set_address
        code.put(3, 9, 1); // advance_line 9, copy: line 10
        code.put(4, 2); // set_file 2
        code.put(13 + 2 + 5 + 4 * 14); // special: address + 4, line + 2
        code.put(5, 30, 6, 10); // column, is_stmt, prologue end
        code.put(3, 0x74, 2, 16, 1); // advance_line -12, advance_pc 16, copy: line 0
        code.put(4, 1, 3, 11, 2, 4, 1); // file 1, line 11 at 0x401018
        code.put(0, 2, 4, 7); // discriminator
        return code.put(2, 0x28).put(0, 1, 1); // advance_pc, end_sequence at 0x401040
    }

    private static Bytes head(int version, boolean is64) {
        var head = new Bytes().put(1);
        if (version >= 4) {
            head.put(1);
        }
        head.put(1, -5, 14, 13);
        for (byte operands : STANDARD_OPERANDS) {
            head.put(operands);
        }
        if (version < 5) {
            head.text("src").put(0);
            return head.text("demo.c")
                    .put(1, 0, 0)
                    .text("/usr/include/demo.h")
                    .put(0, 5, 6)
                    .put(0);
        }
        head.put(1, 1, 0x08).put(2).text("/home").text("src"); // directories: texts in place
        // files: path by line_strp, directory by udata, an MD5
        head.put(3, 1, 0x1f, 2, 0x0b, 5, 0x1e).put(3);
        int offset = is64 ? 8 : 4;
        head.number(0, offset).put(0).number(0, 16);
        head.number(0, offset).put(1).number(0, 16);
        return head.number(7, offset).put(0).number(0, 16);
    }

    private static Bytes unit(int version, boolean is64, Bytes program) {
        return unit(version, is64, head(version, is64), program);
    }

    private static Bytes unit(int version, boolean is64, Bytes head, Bytes program) {
        int offset = is64 ? 8 : 4;
        var body = new Bytes().number(version, 2);
        if (version == 5) {
            body.put(8, 0);
        }
        body.number(head.size(), offset).all(head).all(program);
        var unit = new Bytes();
        if (is64) {
            unit.number(0xffff_ffffL, 4);
        }
        return unit.number(body.size(), offset).all(body);
    }

    private static ByteBuffer strings() {
        return new Bytes().text("demo.c").text("/usr/include/demo.h").buffer();
    }

    private static LineTable read(Bytes section) {
        return LineTable.read(section.buffer(), strings(), NONE);
    }

    private static void assertDemo(LineTable table) {
        assertThat(table.at(0x400fff)).isNull();
        assertThat(table.at(0x401000)).isEqualTo(new SourceLine("src/demo.c", 10));
        assertThat(table.at(0x401003)).hasToString("demo.c:10");
        assertThat(table.at(0x401004)).isEqualTo(new SourceLine("/usr/include/demo.h", 12));
        assertThat(table.at(0x401013)).hasToString("demo.h:12");
        assertThat(table.at(0x401014)).as("line 0: made by the compiler").isNull();
        assertThat(table.at(0x401018)).hasToString("demo.c:11");
        assertThat(table.at(0x40103f)).hasToString("demo.c:11");
        assertThat(table.at(0x401040)).as("behind the end").isNull();
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 5})
    void everyVersionTellsTheSame(int version) {
        assertDemo(read(unit(version, false, program())));
        assertDemo(read(unit(version, true, program())));
    }

    @Test
    void unitsThatCannotBeReadDoNotHideTheOthers() {
        Bytes good = unit(4, false, program());
        Bytes unknown = unit(9, false, head(4, false), program());
        Bytes withoutRange = unit(4, false, new Bytes().put(1, 1, 1, -5, 0, 13), program());
        assertDemo(read(new Bytes().all(unknown).all(withoutRange).all(good).put(1, 2, 3)));
    }

    @Test
    void codeThatTheLinkerThrewAwayIsNowhere() {
        var gone = new Bytes().put(0, 9, 2).number(0, 8).put(1, 2, 64, 0, 1, 1);
        LineTable table = read(unit(4, false, gone).all(unit(4, false, program())));
        assertThat(table.at(16)).isNull();
        assertDemo(table);
    }

    @Test
    void sequenceThatGoesBackwardsIsPassedOver() {
        var back = new Bytes().put(0, 9, 2).number(0x500000, 8).put(1);
        back.put(0, 9, 2).number(0x4f0000, 8).put(1, 2, 64, 0, 1, 1);
        assertThat(read(unit(4, false, back)).at(0x4f0000)).isNull();
    }

    /** Tables with millions of entries that cost no byte each, or point at one endless text. */
    @Test
    void hugeCountsEndAtOnce() {
        Bytes endless = new Bytes().put(1, 1, 1, -5, 14, 13);
        for (byte operands : STANDARD_OPERANDS) {
            endless.put(operands);
        }
        Bytes entriesOfNothing = new Bytes().all(endless).put(0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
        Bytes longTexts = new Bytes().all(endless).put(0, 0).put(1, 1, 0x1f, 0xff, 0xff, 0x7f);
        for (int i = 0; i < 100_000; i++) {
            longTexts.number(0, 4);
        }
        ByteBuffer longText = ByteBuffer.allocate(1 << 20);
        for (int i = 0; i < longText.capacity() - 1; i++) {
            longText.put(i, (byte) 'x');
        }
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(10), () -> {
            assertThat(read(unit(5, false, entriesOfNothing, program())).at(0x401000))
                    .isNull();
            LineTable table =
                    LineTable.read(unit(5, false, longTexts, program()).buffer(), longText, NONE);
            assertThat(table.at(0x401000)).isNull();
        });
    }

    @Test
    void damagedTablesNeverFail() {
        byte[] good =
                unit(5, false, program()).all(unit(3, true, program())).buffer().array();
        var random = new Random(5);
        int told = 0;
        for (int round = 0; round < 20_000; round++) {
            byte[] bad = good.clone();
            for (int i = 0; i <= round % 4; i++) {
                bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
            }
            ByteBuffer section = ByteBuffer.wrap(bad, 0, round % 5 == 0 ? random.nextInt(bad.length) : bad.length);
            LineTable table = LineTable.read(section, strings(), NONE);
            told += table.at(0x401000) != null ? 1 : 0;
            table.at(random.nextLong());
        }
        assertThat(told).as("tables that still tell something").isBetween(5_000, 20_000);
    }
}
