package faultline.emulator.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The decoder alone: prefixes, register forms, truncated bytes. */
class RmwDecoderTest {
    private static boolean isRmw(String hex) {
        byte[] code = Asm.bytes(hex);
        return RmwDecoder.isReadModifyWrite(code, code.length);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0107",
                "4801 07",
                "6601 07",
                "f001 07",
                "64 4801 0425 00000000",
                "2e3e 01 07",
                "f2f0 830701",
                "4f0107",
                "67 0107",
                "f00fb10f",
                "f0480fc70f",
                "660fc107",
                "440fab07",
                "d11f",
                "c00f03",
                "f616",
                "fe00",
                "48ff48 10",
            })
    void memoryFormsWithAnyPrefixes(String hex) {
        assertThat(isRmw(hex)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "01c7",
                "4801c7",
                "87c3",
                "f7d0",
                "f7d8",
                "ffc0",
                "d1e0",
                "0fc1c0",
                "0fb1c0",
                "83c001",
                "0fbae801", // registers
                "0307",
                "3907",
                "3b07",
                "833f01",
                "8507",
                "f60701",
                "f727",
                "f73f",
                "ff17",
                "ff27",
                "ff37",
                "fe17", // read only
                "8907",
                "c60701",
                "8f07",
                "a4",
                "aa",
                "6c",
                "0f1107",
                "0fba2701",
                "0fa307",
                "0fc727",
                "62f17c48584701",
                "c5f85807",
                "90",
                "c3",
            })
    void everythingElse(String hex) {
        assertThat(isRmw(hex)).isFalse();
    }

    @Test
    void truncatedBytesAreNeverReadBeyondTheirEnd() {
        byte[] code = Asm.bytes("f0480fb107");
        for (int length = 0; length < code.length; length++) {
            assertThat(RmwDecoder.isReadModifyWrite(code, length))
                    .as("%d bytes", length)
                    .isFalse();
            assertThat(RmwDecoder.storesAfterFlags(code, length)).isFalse();
        }
        byte[] prefixes = Asm.bytes("66".repeat(15));
        assertThat(RmwDecoder.isReadModifyWrite(prefixes, 15)).isFalse();
        assertThat(RmwDecoder.isPushFlags(prefixes, 15)).isFalse();
    }

    @Test
    void storesAfterFlagsAreSetccAndRotatesThroughCarry() {
        for (String hex : new String[] {"0f9607", "400f9207", "d117", "d31f", "c11703", "48c11f01", "d017", "d21f"}) {
            assertThat(RmwDecoder.storesAfterFlags(Asm.bytes(hex), hex.length() / 2))
                    .as(hex)
                    .isTrue();
        }
        for (String hex : new String[] {"0f96c0", "d1d0", "d107", "d127", "8907", "0f4607", "c1d001"}) {
            assertThat(RmwDecoder.storesAfterFlags(Asm.bytes(hex), hex.length() / 2))
                    .as(hex)
                    .isFalse();
        }
    }

    @Test
    void pushOfFlagsIsKnownWithItsPrefixes() {
        assertThat(RmwDecoder.isPushFlags(Asm.bytes("9c"), 1)).isTrue();
        assertThat(RmwDecoder.isPushFlags(Asm.bytes("669c"), 2)).isTrue();
        assertThat(RmwDecoder.isPushFlags(Asm.bytes("9d"), 1)).isFalse();
    }
}
