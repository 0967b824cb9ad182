package faultline.plugins.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class GuestTextTest {
    private static String shown(byte... bytes) {
        return GuestText.of(new String(bytes, StandardCharsets.ISO_8859_1));
    }

    @Test
    void namesOfAsciiStayTheSameObject() {
        String name = "ld-linux-x86-64.so.2";
        assertThat(GuestText.of(name)).isSameAs(name);
    }

    @Test
    void utf8IsText() {
        assertThat(shown("naïve/日本".getBytes(StandardCharsets.UTF_8))).isEqualTo("naïve/日本");
    }

    @Test
    void bytesThatAreNoTextAreShownAsBytes() {
        assertThat(shown((byte) 'b', (byte) 0xff, (byte) 0xfe, (byte) '"')).isEqualTo("b\\xff\\xfe\"");
        assertThat(shown((byte) 'b', (byte) 0xc3)).as("cut off").isEqualTo("b\\xc3");
    }
}
