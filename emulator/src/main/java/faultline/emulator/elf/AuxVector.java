package faultline.emulator.elf;

import java.util.Arrays;

/** The auxiliary vector that a program finds behind its environment: pairs in the order in which Linux writes them. */
public final class AuxVector {
    public static final int AT_NULL = 0;
    public static final int AT_PHDR = 3;
    public static final int AT_PHENT = 4;
    public static final int AT_PHNUM = 5;
    public static final int AT_PAGESZ = 6;
    public static final int AT_BASE = 7;
    public static final int AT_FLAGS = 8;
    public static final int AT_ENTRY = 9;
    public static final int AT_UID = 11;
    public static final int AT_EUID = 12;
    public static final int AT_GID = 13;
    public static final int AT_EGID = 14;
    public static final int AT_PLATFORM = 15;
    public static final int AT_HWCAP = 16;
    public static final int AT_CLKTCK = 17;
    public static final int AT_SECURE = 23;
    public static final int AT_RANDOM = 25;
    public static final int AT_HWCAP2 = 26;
    public static final int AT_RSEQ_FEATURE_SIZE = 27;
    public static final int AT_RSEQ_ALIGN = 28;
    public static final int AT_EXECFN = 31;
    public static final int AT_MINSIGSTKSZ = 51;

    /** AT_HWCAP2: programs may use the FSGSBASE instructions. */
    public static final long HWCAP2_FSGSBASE = 1 << 1;

    private long[] pairs = new long[48];
    private int used;

    /** Appends one pair. */
    public AuxVector add(int type, long value) {
        if (used == pairs.length) {
            pairs = Arrays.copyOf(pairs, used * 2);
        }
        pairs[used] = type;
        pairs[used + 1] = value;
        used += 2;
        return this;
    }

    /** Number of pairs, without the closing AT_NULL. */
    public int count() {
        return used / 2;
    }

    /** AT_* of a pair, by position. */
    public long type(int pair) {
        return pairs[2 * pair];
    }

    /** Value of a pair, by position. */
    public long value(int pair) {
        return pairs[2 * pair + 1];
    }
}
