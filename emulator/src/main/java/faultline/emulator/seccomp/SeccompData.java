package faultline.emulator.seccomp;

/**
 * What a filter sees of a system call ({@code struct seccomp_data}, {@value #SIZE} bytes):
 *
 * <pre>
 *   0 nr   4 arch   8 instruction_pointer   16 args[6]
 * </pre>
 *
 * @param number the system call
 * @param instructionPointer behind the {@code syscall} instruction
 * @param arguments six
 */
public record SeccompData(int number, long instructionPointer, long... arguments) {
    /** Bytes. */
    public static final int SIZE = 64;

    /** AUDIT_ARCH_X86_64. */
    public static final int ARCH = 0xc000003e;

    private static final int ARGUMENTS = 16;

    /** The 32 bits at a byte offset: a multiple of 4 below {@value #SIZE}. */
    int word(int offset) {
        return switch (offset) {
            case 0 -> number;
            case 4 -> ARCH;
            case 8 -> (int) instructionPointer;
            case 12 -> (int) (instructionPointer >>> Integer.SIZE);
            default -> {
                long argument = arguments[offset - ARGUMENTS >> 3];
                yield (int) ((offset & 4) == 0 ? argument : argument >>> Integer.SIZE);
            }
        };
    }
}
