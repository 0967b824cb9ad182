package faultline.emulator.seccomp;

import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A program of classic BPF over {@link SeccompData}. An instruction is 8 bytes: {@code u16 code, u8 jt, u8 jf, u32 k};
 * the machine has an accumulator, an index register and sixteen words of memory. {@link #of} admits only programs that
 * end: all jumps lead forward.
 */
public final class BpfProgram {
    /** Bytes of an instruction, and the most there may be of them (BPF_MAXINSNS). */
    public static final int INSTRUCTION = 8;

    public static final int MOST_INSTRUCTIONS = 4096;

    private static final int MEMORY_WORDS = 16;

    private static final int LD = 0x00;
    private static final int LDX = 0x01;
    private static final int ST = 0x02;
    private static final int STX = 0x03;
    private static final int ALU = 0x04;
    private static final int JMP = 0x05;
    private static final int RET = 0x06;
    private static final int MISC = 0x07;

    private static final int CLASS = 0x07;
    private static final int OPERATION = 0xf0;
    private static final int BY_X = 0x08;
    private static final int IMMEDIATE = 0x00;
    private static final int ABSOLUTE = 0x20;
    private static final int MEMORY = 0x60;
    private static final int LENGTH = 0x80;
    private static final int RETURN_A = 0x10;
    private static final int TXA = 0x80;

    private static final int ADD = 0x00;
    private static final int SUB = 0x10;
    private static final int MUL = 0x20;
    private static final int DIV = 0x30;
    private static final int OR = 0x40;
    private static final int AND = 0x50;
    private static final int LSH = 0x60;
    private static final int RSH = 0x70;
    private static final int NEG = 0x80;
    private static final int XOR = 0xa0;

    private static final int JA = 0x00;
    private static final int JEQ = 0x10;
    private static final int JGT = 0x20;
    private static final int JGE = 0x30;
    private static final int JSET = 0x40;

    private final int[] codes;
    private final int[] whenTrue;
    private final int[] whenFalse;
    private final int[] operands;

    private BpfProgram(int length) {
        codes = new int[length];
        whenTrue = new int[length];
        whenFalse = new int[length];
        operands = new int[length];
    }

    /**
     * The program, or null for one that seccomp(2) refuses with EINVAL: an unknown instruction, a jump out of it, a
     * division by the constant 0, a shift by 32 or more, a load from beyond the data or of memory that may not have
     * been stored, an end without a return.
     *
     * @param instructions {@value #INSTRUCTION} bytes each, 1 to {@value #MOST_INSTRUCTIONS} of them
     */
    @KernelFunction(value = "bpf_check_classic", file = "net/core/filter.c")
    public static BpfProgram of(byte[] instructions) {
        MemorySegment bytes = MemorySegment.ofArray(instructions);
        BpfProgram program = new BpfProgram(instructions.length / INSTRUCTION);
        for (int i = 0; i < program.length(); i++) {
            long at = (long) i * INSTRUCTION;
            program.codes[i] = bytes.get(ValueLayout.JAVA_SHORT_UNALIGNED, at) & 0xffff;
            program.whenTrue[i] = bytes.get(ValueLayout.JAVA_BYTE, at + 2) & 0xff;
            program.whenFalse[i] = bytes.get(ValueLayout.JAVA_BYTE, at + 3) & 0xff;
            program.operands[i] = bytes.get(ValueLayout.JAVA_INT_UNALIGNED, at + 4);
        }
        for (int i = 0; i < program.length(); i++) {
            if (!program.isValid(i)) {
                return null;
            }
        }
        boolean returns = (program.codes[program.length() - 1] & CLASS) == RET;
        return returns && program.loadsOnlyWhatIsStored() ? program : null;
    }

    /** Instructions. */
    public int length() {
        return codes.length;
    }

    /**
     * Instructions that Linux makes of it when it translates it, which is what it limits: a return of a constant
     * becomes two, a division by X five, a jump that goes on nowhere behind itself two, and three come before all.
     */
    @KernelFunction(value = "bpf_convert_filter", file = "net/core/filter.c")
    int translatedLength() {
        int length = 3;
        for (int i = 0; i < length(); i++) {
            length += switch (codes[i] & CLASS) {
                case RET -> codes[i] == RET ? 2 : 1;
                case ALU -> codes[i] == (ALU | DIV | BY_X) ? 5 : 1;
                case JMP -> translatedJump(i);
                default -> 1;
            };
        }
        return length;
    }

    private int translatedJump(int i) {
        int condition = codes[i] & ~(JMP | BY_X);
        if (condition == JA) {
            return 1;
        }
        boolean one = whenFalse[i] == 0 || whenTrue[i] == 0 && condition != JSET;
        int constant = (codes[i] & BY_X) == 0 && operands[i] < 0 ? 1 : 0; // would be extended with its sign
        return constant + (one ? 1 : 2);
    }

    private boolean isValid(int i) {
        int code = codes[i];
        int operand = operands[i];
        boolean immediate = (code & BY_X) == 0;
        return switch (code & CLASS) {
            case LD ->
                switch (code) {
                    case LD | ABSOLUTE ->
                        Integer.compareUnsigned(operand, SeccompData.SIZE) < 0 && operand % Integer.BYTES == 0;
                    case LD | MEMORY -> isWord(operand);
                    case LD | LENGTH, LD | IMMEDIATE -> true;
                    default -> false;
                };
            case LDX -> code == (LDX | MEMORY) ? isWord(operand) : code == (LDX | LENGTH) || code == (LDX | IMMEDIATE);
            case ST -> code == ST && isWord(operand);
            case STX -> code == STX && isWord(operand);
            case ALU -> isOperation(code, immediate, operand);
            case JMP -> isJump(i, immediate);
            case RET -> code == RET || code == (RET | RETURN_A);
            default -> code == MISC || code == (MISC | TXA);
        };
    }

    private static boolean isWord(int operand) {
        return Integer.compareUnsigned(operand, MEMORY_WORDS) < 0;
    }

    private static boolean isOperation(int code, boolean immediate, int operand) {
        return switch (code & ~(ALU | BY_X)) {
            case ADD, SUB, MUL, OR, AND, XOR -> true;
            case DIV -> !immediate || operand != 0;
            case LSH, RSH -> !immediate || Integer.compareUnsigned(operand, Integer.SIZE) < 0;
            case NEG -> immediate;
            default -> false;
        };
    }

    private boolean isJump(int i, boolean immediate) {
        long left = length() - i - 1L;
        return switch (codes[i] & ~(JMP | BY_X)) {
            case JA -> immediate && Integer.toUnsignedLong(operands[i]) < left;
            case JEQ, JGT, JGE, JSET -> whenTrue[i] < left && whenFalse[i] < left;
            default -> false;
        };
    }

    /** Whether each word of memory that is loaded has been stored on every way there. */
    @KernelFunction(value = "check_load_and_stores", file = "net/core/filter.c")
    private boolean loadsOnlyWhatIsStored() {
        int[] stored = new int[length() + 1]; // a bit a word; what all ways to an instruction have stored
        java.util.Arrays.fill(stored, -1);
        stored[0] = 0;
        for (int i = 0; i < length(); i++) {
            int after = stored[i];
            switch (codes[i]) {
                case ST, STX -> after |= 1 << operands[i];
                case LD | MEMORY, LDX | MEMORY -> {
                    if ((after & 1 << operands[i]) == 0) {
                        return false;
                    }
                }
                default -> {
                    // touches no memory
                }
            }
            if ((codes[i] & CLASS) == JMP) {
                boolean always = codes[i] == (JMP | JA);
                int target = i + 1 + (always ? operands[i] : whenTrue[i]);
                stored[target] &= after;
                int other = always ? target : i + 1 + whenFalse[i];
                stored[other] &= after;
            } else if ((codes[i] & CLASS) != RET) {
                stored[i + 1] &= after;
            }
        }
        return true;
    }

    /** Runs it. Returns what it returned; 0 after a division by 0. */
    @KernelFunction(value = "bpf_prog_run", file = "include/linux/filter.h")
    public int run(SeccompData data) {
        int[] memory = new int[MEMORY_WORDS];
        int a = 0;
        int x = 0;
        int i = 0;
        while (true) {
            int code = codes[i];
            int k = operands[i];
            int operand = (code & BY_X) == 0 ? k : x;
            switch (code & CLASS) {
                case LD -> a = load(code, k, memory, data);
                case LDX -> x = load(code & ~CLASS, k, memory, data);
                case ST -> memory[k] = a;
                case STX -> memory[k] = x;
                case ALU -> {
                    if ((code & OPERATION) == DIV && operand == 0) {
                        return 0;
                    }
                    a = compute(code & OPERATION, a, operand);
                }
                case JMP -> {
                    if (code == (JMP | JA)) {
                        i += k;
                    } else {
                        i += holds(code & OPERATION, a, operand) ? whenTrue[i] : whenFalse[i];
                    }
                }
                case RET -> {
                    return code == RET ? k : a;
                }
                default -> {
                    if (code == MISC) {
                        x = a;
                    } else {
                        a = x;
                    }
                }
            }
            i++;
        }
    }

    private static int load(int mode, int k, int[] memory, SeccompData data) {
        return switch (mode) {
            case ABSOLUTE -> data.word(k);
            case MEMORY -> memory[k];
            case LENGTH -> SeccompData.SIZE;
            default -> k;
        };
    }

    private static int compute(int operation, int a, int operand) {
        return switch (operation) {
            case ADD -> a + operand;
            case SUB -> a - operand;
            case MUL -> a * operand;
            case DIV -> Integer.divideUnsigned(a, operand);
            case OR -> a | operand;
            case AND -> a & operand;
            case LSH -> a << operand;
            case RSH -> a >>> operand;
            case NEG -> -a;
            default -> a ^ operand;
        };
    }

    private static boolean holds(int operation, int a, int operand) {
        return switch (operation) {
            case JEQ -> a == operand;
            case JGT -> Integer.compareUnsigned(a, operand) > 0;
            case JGE -> Integer.compareUnsigned(a, operand) >= 0;
            default -> (a & operand) != 0;
        };
    }
}
