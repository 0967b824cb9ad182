package faultline.plugins.symbol;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModuleMapTest {
    @TempDir
    Path dir;

    /** One segment at 0x1000 of the file, linked at 0x401000, with functions first (16 bytes) and label (size 0). */
    private byte[] elf() {
        ByteBuffer elf = ByteBuffer.allocate(0x2000).order(ByteOrder.LITTLE_ENDIAN);
        elf.putInt(0, 0x464c457f).put(4, (byte) 2).putLong(32, 64).putLong(40, 0x200);
        elf.putShort(54, (short) 56)
                .putShort(56, (short) 1)
                .putShort(58, (short) 64)
                .putShort(60, (short) 3);
        elf.putInt(64, 1).putLong(72, 0x1000).putLong(80, 0x401000).putLong(96, 0x1000);
        elf.putInt(0x240 + 4, 2)
                .putLong(0x240 + 24, 0x400)
                .putLong(0x240 + 32, 48)
                .putInt(0x240 + 40, 2);
        elf.putInt(0x280 + 4, 3).putLong(0x280 + 24, 0x500);
        elf.put(0x500, "\0first\0label\0".getBytes(StandardCharsets.US_ASCII));
        symbol(elf, 0x400, 1, 0x401100, 16);
        symbol(elf, 0x418, 7, 0x401200, 0);
        return elf.array();
    }

    private static void symbol(ByteBuffer elf, int at, int name, long value, long size) {
        elf.putInt(at, name)
                .put(at + 4, (byte) 0x12)
                .putShort(at + 6, (short) 1)
                .putLong(at + 8, value)
                .putLong(at + 16, size);
    }

    @Test
    void namesFunctionsAndTheirOffsetsInARelocatedFile() throws IOException {
        Path file = Files.write(dir.resolve("prog"), elf());
        var map = new ModuleMap();
        map.put(7, 0x7f00_0000_1000L, 0x7f00_0000_2000L, 0x1000, "prog", file);
        assertThat(map.name(7, 0x7f00_0000_1100L)).isEqualTo("first+0x0");
        assertThat(map.name(7, 0x7f00_0000_110fL)).isEqualTo("first+0xf");
        assertThat(map.name(7, 0x7f00_0000_1110L)).isEqualTo("prog+0x1110");
        assertThat(map.name(7, 0x7f00_0000_1234L)).isEqualTo("label+0x34");
        assertThat(map.name(7, 0x7f00_0000_2000L)).isEqualTo("0x7f0000002000");
        assertThat(map.name(8, 0x7f00_0000_1100L)).isEqualTo("0x7f0000001100");
    }

    @Test
    void laterMappingReplacesAnEarlierOne() {
        var map = new ModuleMap();
        map.put(1, 0x1000, 0x3000, 0, "old", null);
        map.put(1, 0x1000, 0x2000, 0, "new", null);
        assertThat(map.name(1, 0x1010)).isEqualTo("new+0x10");
        assertThat(map.knows(1, 0x2010)).isFalse();
    }

    @Test
    void damagedFilesGiveNamesOfTheFileOrFunctionsButNeverFail() throws IOException {
        byte[] good = elf();
        var random = new Random(1);
        for (int i = 0; i < 500; i++) {
            byte[] bad = good.clone();
            for (int j = 0; j < 4; j++) {
                bad[random.nextInt(0x520)] = (byte) random.nextInt(256);
            }
            Path file = Files.write(
                    dir.resolve("bad" + i), i % 5 == 0 ? java.util.Arrays.copyOf(bad, random.nextInt(0x600)) : bad);
            var map = new ModuleMap();
            map.put(1, 0x1000, 0x2000, 0x1000, "bad", file);
            assertThat(map.name(1, 0x1100)).isNotEmpty();
        }
    }

    @Test
    void missingFileHasNoSymbols() {
        var map = new ModuleMap();
        map.put(1, 0x1000, 0x2000, 0, "gone", dir.resolve("gone"));
        assertThat(map.name(1, 0x1010)).isEqualTo("gone+0x10");
    }
}
