package faultline.emulator.unicorn;

/** Numbers of {@code unicorn/unicorn.h} and {@code unicorn/x86.h}, as far as we use them. */
public final class UnicornConstants {
    public static final int UC_ARCH_X86 = 4;
    public static final int UC_MODE_64 = 8;

    public static final int UC_ERR_OK = 0;
    public static final int UC_ERR_INSN_INVALID = 10;
    public static final int UC_ERR_ARG = 15;
    public static final int UC_ERR_EXCEPTION = 21;

    public static final int UC_PROT_READ = 1;
    public static final int UC_PROT_WRITE = 2;
    public static final int UC_PROT_EXEC = 4;
    public static final int UC_PROT_ALL = 7;

    /** Access kinds as the TLB-fill hook gets them. */
    public static final int UC_MEM_READ = 16;

    public static final int UC_MEM_WRITE = 17;
    public static final int UC_MEM_FETCH = 18;

    public static final int UC_HOOK_INTR = 1;
    public static final int UC_HOOK_INSN = 1 << 1;
    public static final int UC_HOOK_BLOCK = 1 << 3;
    public static final int UC_HOOK_INSN_INVALID = 1 << 14;
    public static final int UC_HOOK_TLB_FILL = 1 << 17;

    public static final int UC_TLB_VIRTUAL = 1;

    // uc_ctl requests: type | number of arguments << 26 | write << 30
    static final int CTL_CPU_MODEL = 7 | 1 << 26 | 1 << 30;
    static final int CTL_TB_REMOVE_CACHE = 9 | 2 << 26 | 1 << 30;
    static final int CTL_TB_FLUSH = 10 | 1 << 30;
    static final int CTL_TLB_FLUSH = 11 | 1 << 30;
    static final int CTL_TLB_TYPE = 12 | 1 << 26 | 1 << 30;
    static final int CTL_TCG_BUFFER_SIZE = 13 | 1 << 26 | 1 << 30;
    static final int CTL_TCG_BUFFER_SIZE_READ = 13 | 1 << 26 | 2 << 30;

    /** AMD EPYC: everything Unicorn can execute, and no ERMS, which would make memset ten times slower. */
    public static final int UC_CPU_X86_EPYC = 35;

    // Instructions that can be hooked
    public static final int UC_X86_INS_CPUID = 113;
    public static final int UC_X86_INS_IN = 218;
    public static final int UC_X86_INS_OUT = 500;
    public static final int UC_X86_INS_RDTSC = 608;
    public static final int UC_X86_INS_RDTSCP = 609;
    public static final int UC_X86_INS_SYSCALL = 699;
    public static final int UC_X86_INS_SYSENTER = 700;

    // Registers
    public static final int UC_X86_REG_CS = 11;
    public static final int UC_X86_REG_FPSW = 31;
    public static final int UC_X86_REG_RAX = 35;
    public static final int UC_X86_REG_RBP = 36;
    public static final int UC_X86_REG_RBX = 37;
    public static final int UC_X86_REG_RCX = 38;
    public static final int UC_X86_REG_RDI = 39;
    public static final int UC_X86_REG_RDX = 40;
    public static final int UC_X86_REG_RIP = 41;
    public static final int UC_X86_REG_RSI = 43;
    public static final int UC_X86_REG_RSP = 44;
    public static final int UC_X86_REG_SS = 49;
    public static final int UC_X86_REG_CR0 = 50;
    public static final int UC_X86_REG_CR4 = 54;
    /** R8 to R15 follow each other. */
    public static final int UC_X86_REG_R8 = 106;

    /** ST(0) to ST(7) in stack order follow each other, 10 bytes each. */
    public static final int UC_X86_REG_ST0 = 114;
    /** XMM0 to XMM15 follow each other, 16 bytes each. */
    public static final int UC_X86_REG_XMM0 = 122;

    public static final int UC_X86_REG_FPCW = 246;
    public static final int UC_X86_REG_FPTAG = 247;
    public static final int UC_X86_REG_MSR = 248;
    public static final int UC_X86_REG_MXCSR = 249;
    public static final int UC_X86_REG_FS_BASE = 250;
    public static final int UC_X86_REG_GS_BASE = 251;
    public static final int UC_X86_REG_RFLAGS = 253;
    public static final int UC_X86_REG_FIP = 254;
    public static final int UC_X86_REG_FDP = 256;
    public static final int UC_X86_REG_FOP = 258;

    private UnicornConstants() {}
}
