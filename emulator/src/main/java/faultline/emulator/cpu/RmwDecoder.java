package faultline.emulator.cpu;

/**
 * Knows the instructions that read, change and write one memory operand.
 *
 * <p>The hardware checks such an operand for writing before it reads it, so a page that is not there faults once, as a
 * write. Unicorn reads first. The engine asks here when a read is about to fault, and raises the write fault instead.
 *
 * <p>Opcode maps: AMD64 manual volume 3, appendix A. Only what decides the question is decoded: prefixes, opcode, the
 * ModRM byte. Stores of flags ({@code setcc}, {@code rcl}, {@code rcr}) are known too: Unicorn computes the flags
 * before it stores, and cannot restore them when the store is refused.
 */
final class RmwDecoder {
    /** Longest instruction, in bytes. */
    static final int MAX_LENGTH = 15;

    // Sets of opcodes, a bit each; the one-byte map and the two-byte (0F) map
    private static final long[] ONE = new long[4];
    private static final long[] TWO = new long[4];
    /** Opcodes of which only some ModRM.reg values count: the values, a bit each. */
    private static final byte[] ONE_GROUP = new byte[256];

    private static final byte[] TWO_GROUP = new byte[256];

    static {
        // add or adc sbb and sub xor m,r
        add(ONE, 0x00, 0x01, 0x08, 0x09, 0x10, 0x11, 0x18, 0x19, 0x20, 0x21, 0x28, 0x29, 0x30, 0x31);
        add(ONE, 0x86, 0x87); // xchg
        group(ONE_GROUP, 0x7f, 0x80, 0x81, 0x83); // the same with an immediate; /7 is cmp
        group(ONE_GROUP, 0xff, 0xc0, 0xc1, 0xd0, 0xd1, 0xd2, 0xd3); // shifts and rotates
        group(ONE_GROUP, 0x0c, 0xf6, 0xf7); // not neg
        group(ONE_GROUP, 0x03, 0xfe, 0xff); // inc dec
        add(TWO, 0xa4, 0xa5, 0xac, 0xad); // shld shrd
        add(TWO, 0xab, 0xb3, 0xbb); // bts btr btc m,r
        add(TWO, 0xb0, 0xb1, 0xc0, 0xc1); // cmpxchg xadd
        group(TWO_GROUP, 0xe0, 0xba); // bts btr btc m,imm
        group(TWO_GROUP, 0x02, 0xc7); // cmpxchg8b cmpxchg16b
    }

    private RmwDecoder() {}

    private static void add(long[] set, int... opcodes) {
        for (int opcode : opcodes) {
            set[opcode >> 6] |= 1L << opcode;
        }
    }

    private static void group(byte[] groups, int values, int... opcodes) {
        for (int opcode : opcodes) {
            groups[opcode] = (byte) values;
        }
    }

    private static boolean has(long[] set, int opcode) {
        return (set[opcode >> 6] >>> opcode & 1) != 0;
    }

    /** Where the opcode begins: after legacy prefixes and one REX; {@code length} if there is none. */
    private static int opcodeAt(byte[] code, int length) {
        int at = 0;
        while (at < length && isPrefix(code[at] & 0xff)) {
            at++;
        }
        return at < length && (code[at] & 0xf0) == 0x40 ? at + 1 : at;
    }

    private static boolean isPrefix(int b) {
        return switch (b) {
            case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3 -> true;
            default -> false;
        };
    }

    /** Whether the instruction reads, changes and writes its memory operand. */
    static boolean isReadModifyWrite(byte[] code, int length) {
        int at = opcodeAt(code, length);
        if (at + 1 >= length) {
            return false;
        }
        int opcode = code[at] & 0xff;
        if (opcode != 0x0f) {
            return matches(ONE, ONE_GROUP, opcode, code[at + 1] & 0xff);
        }
        return at + 2 < length && matches(TWO, TWO_GROUP, code[at + 1] & 0xff, code[at + 2] & 0xff);
    }

    private static boolean matches(long[] set, byte[] groups, int opcode, int modrm) {
        boolean memory = modrm < 0xc0;
        return memory && (has(set, opcode) || (groups[opcode] >>> (modrm >> 3 & 7) & 1) != 0);
    }

    /**
     * Whether Unicorn computes flags before this instruction's store: {@code rcl m}, {@code rcr m}, {@code setcc m}.
     */
    static boolean storesAfterFlags(byte[] code, int length) {
        int at = opcodeAt(code, length);
        if (at + 1 >= length) {
            return false;
        }
        int opcode = code[at] & 0xff;
        if (opcode == 0x0f) {
            return (code[at + 1] & 0xf0) == 0x90 && at + 2 < length && (code[at + 2] & 0xff) < 0xc0;
        }
        int modrm = code[at + 1] & 0xff;
        boolean shift = opcode == 0xc0 || opcode == 0xc1 || opcode >= 0xd0 && opcode <= 0xd3;
        int operation = modrm >> 3 & 7;
        return shift && modrm < 0xc0 && (operation == 2 || operation == 3);
    }

    /** Whether the instruction is {@code pushf}. */
    static boolean isPushFlags(byte[] code, int length) {
        int at = opcodeAt(code, length);
        return at < length && (code[at] & 0xff) == 0x9c;
    }
}
