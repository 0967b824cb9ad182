package faultline.emulator.cpu;

import faultline.emulator.unicorn.Unicorn;
import faultline.emulator.unicorn.UnicornConstants;
import java.nio.charset.StandardCharsets;

/**
 * What the {@code cpuid} instruction answers: Unicorn's processor less what it cannot execute.
 *
 * <p>AVX and everything on top of it is hidden: VEX instructions either trap or, worse, run as their SSE cousins. ERMS
 * is hidden because {@code rep stosb} is slow here. RDRAND and RDSEED are hidden in deterministic mode, since nothing
 * can intercept them.
 */
final class Cpuid {
    private static final String BRAND = "Faultline Virtual CPU on Unicorn";
    private static final int BRAND_LEAF = 0x80000002;
    private static final int BRAND_LEAVES = 3;
    private static final int BASIC_LEAVES = 0x20;
    private static final int EXTENDED = 0x80000000;
    private static final int SUBLEAVES = 8;

    // Leaf 1, ECX: FMA, AVX, F16C
    private static final int HIDE_1_ECX = 1 << 12 | 1 << 28 | 1 << 29;
    private static final int RDRAND_1_ECX = 1 << 30;
    /** Leaf 1, ECX: running under a hypervisor. */
    private static final int HYPERVISOR = 1 << 31;

    // Leaf 7, EBX: HLE, AVX2, ERMS, INVPCID, RTM, MPX, AVX-512*, SHA
    private static final int HIDE_7_EBX = 1 << 4 | 1 << 5 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 14 | 1 << 16 | 1 << 17
            | 1 << 21 | 1 << 26 | 1 << 27 | 1 << 28 | 1 << 29 | 1 << 30 | 1 << 31;
    private static final int RDSEED_7_EBX = 1 << 18;
    // Leaf 7, ECX: VBMI, UMIP shown as it is, PKU, OSPKE, VAES, VPCLMULQDQ, VNNI, BITALG, VPOPCNTDQ
    private static final int HIDE_7_ECX =
            1 << 1 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 14;
    // Leaf 80000001h, ECX: XOP, FMA4, TBM, SVM, MONITORX
    private static final int HIDE_EXTENDED_ECX = 1 << 2 | 1 << 11 | 1 << 16 | 1 << 21 | 1 << 29;

    private final Unicorn unicorn;
    private final boolean deterministic;
    /** Answers by leaf and subleaf, four registers each. */
    private final int[] basic = new int[BASIC_LEAVES * SUBLEAVES * 4];

    private final int[] extended = new int[BASIC_LEAVES * SUBLEAVES * 4];

    /** Asks the processor itself, which must not have a hook yet and runs firmware at level 0. */
    Cpuid(Unicorn unicorn, boolean deterministic) {
        this.unicorn = unicorn;
        this.deterministic = deterministic;
        int most = ask(0, 0)[0];
        int mostExtended = ask(EXTENDED, 0)[0];
        for (int leaf = 0; leaf < BASIC_LEAVES; leaf++) {
            for (int sub = 0; sub < SUBLEAVES; sub++) {
                int at = (leaf * SUBLEAVES + sub) * 4;
                if (leaf <= most) {
                    System.arraycopy(filter(leaf, sub, ask(leaf, sub)), 0, basic, at, 4);
                }
                if (EXTENDED + leaf <= mostExtended) {
                    System.arraycopy(filter(EXTENDED + leaf, sub, ask(EXTENDED + leaf, sub)), 0, extended, at, 4);
                }
            }
        }
    }

    private int[] ask(int leaf, int sub) {
        unicorn.writeRegister(UnicornConstants.UC_X86_REG_RAX, leaf & 0xffffffffL);
        unicorn.writeRegister(UnicornConstants.UC_X86_REG_RCX, sub);
        unicorn.start(Firmware.CPUID);
        return new int[] {
            (int) unicorn.readRegister(UnicornConstants.UC_X86_REG_RAX),
            (int) unicorn.readRegister(UnicornConstants.UC_X86_REG_RBX),
            (int) unicorn.readRegister(UnicornConstants.UC_X86_REG_RCX),
            (int) unicorn.readRegister(UnicornConstants.UC_X86_REG_RDX),
        };
    }

    private int[] filter(int leaf, int sub, int[] r) {
        if (leaf == 1) {
            r[2] &= ~(HIDE_1_ECX | HYPERVISOR | (deterministic ? RDRAND_1_ECX : 0));
        } else if (leaf == 7 && sub == 0) {
            r[1] &= ~(HIDE_7_EBX | (deterministic ? RDSEED_7_EBX : 0));
            r[2] &= ~HIDE_7_ECX;
            r[3] = 0;
        } else if (leaf == 0xd && sub == 1) {
            r[0] &= 1; // XSAVEOPT works, XSAVEC and XSAVES do not
        } else if (leaf == EXTENDED + 1) {
            r[2] &= ~HIDE_EXTENDED_ECX;
        } else if (leaf >= BRAND_LEAF && leaf < BRAND_LEAF + BRAND_LEAVES) {
            byte[] text = BRAND.getBytes(StandardCharsets.US_ASCII);
            for (int i = 0; i < 4; i++) {
                r[i] = 0;
                for (int b = 0; b < 4; b++) {
                    int at = (leaf - BRAND_LEAF) * 16 + i * 4 + b;
                    r[i] |= at < text.length ? text[at] << 8 * b : 0;
                }
            }
        }
        return r;
    }

    /** What guest code would get; register 0 to 3 for EAX, EBX, ECX, EDX. */
    int answer(int leaf, int sub, int register) {
        int number = leaf & ~EXTENDED;
        if (Integer.compareUnsigned(number, BASIC_LEAVES) >= 0) {
            return 0;
        }
        int[] table = leaf < 0 ? extended : basic;
        return table[(number * SUBLEAVES + (Integer.compareUnsigned(sub, SUBLEAVES) < 0 ? sub : 0)) * 4 + register];
    }

    /** The hook: answers from the table. A leaf above the highest answers zeros. */
    boolean execute() {
        int leaf = (int) unicorn.readRegister(UnicornConstants.UC_X86_REG_RAX);
        int sub = (int) unicorn.readRegister(UnicornConstants.UC_X86_REG_RCX);
        boolean high = leaf < 0;
        int number = leaf & ~EXTENDED;
        boolean known = Integer.compareUnsigned(number, BASIC_LEAVES) < 0;
        int at = (number * SUBLEAVES + (Integer.compareUnsigned(sub, SUBLEAVES) < 0 ? sub : 0)) * 4;
        int[] table = high ? extended : basic;
        unicorn.writeRegister(UnicornConstants.UC_X86_REG_RAX, known ? table[at] & 0xffffffffL : 0);
        unicorn.writeRegister(UnicornConstants.UC_X86_REG_RBX, known ? table[at + 1] & 0xffffffffL : 0);
        unicorn.writeRegister(UnicornConstants.UC_X86_REG_RCX, known ? table[at + 2] & 0xffffffffL : 0);
        unicorn.writeRegister(UnicornConstants.UC_X86_REG_RDX, known ? table[at + 3] & 0xffffffffL : 0);
        return true;
    }
}
