package faultline.emulator.cpu;

import java.util.HexFormat;

/** Hand-assembled guest code: hexadecimal bytes and what the tests need of labels. */
final class Asm {
    /** {@code syscall}. */
    static final String SYSCALL = "0f05";

    private Asm() {}

    /** Bytes of hexadecimal text; blanks are ignored. */
    static byte[] bytes(String... hex) {
        return HexFormat.of().parseHex(String.join("", hex).replace(" ", ""));
    }

    /** {@code n} in little-endian hexadecimal, {@code bytes} long. */
    static String le(long n, int bytes) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < bytes; i++) {
            text.append(String.format("%02x", n >>> 8 * i & 0xff));
        }
        return text.toString();
    }

    /** {@code mov r64, n}; registers as the encoding numbers them. */
    static String mov(int register, long n) {
        return (register < 8 ? "48" : "49") + String.format("%02x", 0xb8 + (register & 7)) + le(n, 8);
    }
}
