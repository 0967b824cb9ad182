package faultline.emulator.syscall.futex;

/**
 * FUTEX_WAKE_OP's packed operation: bits 31 shift, 30–28 operation, 27–24 comparison, 23–12 operand, 11–0 comparand.
 *
 * @param operation 0 set, 1 add, 2 or, 3 and-not, 4 xor
 * @param comparison 0 eq, 1 ne, 2 lt, 3 le, 4 gt, 5 ge
 */
record WakeOperation(int operation, int operand, int comparison, int comparand) {
    /** Null for an operation that does not exist. */
    static WakeOperation parse(int packed) {
        int operation = packed >>> 28 & 7;
        int comparison = packed >>> 24 & 15;
        int operand = packed << 8 >> 20;
        int comparand = packed << 20 >> 20;
        if (packed < 0) {
            // out of range: the kernel warns and uses the low five bits
            operand = 1 << (operand & 31);
        }
        return operation > 4 ? null : new WakeOperation(operation, operand, comparison, comparand);
    }

    /** Whether there is such a comparison: asked for, as in the kernel, when the word has been changed already. */
    boolean canCompare() {
        return comparison <= 5;
    }

    int apply(int old) {
        return switch (operation) {
            case 0 -> operand;
            case 1 -> old + operand;
            case 2 -> old | operand;
            case 3 -> old & ~operand;
            default -> old ^ operand;
        };
    }

    boolean compares(int old) {
        return switch (comparison) {
            case 0 -> old == comparand;
            case 1 -> old != comparand;
            case 2 -> old < comparand;
            case 3 -> old <= comparand;
            case 4 -> old > comparand;
            default -> old >= comparand;
        };
    }
}
