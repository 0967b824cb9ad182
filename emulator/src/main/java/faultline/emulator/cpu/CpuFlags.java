package faultline.emulator.cpu;

import java.util.ArrayList;
import java.util.List;

/** The names that /proc/cpuinfo has for what CPUID answers, in Linux' order (arch/x86/include/asm/cpufeatures.h). */
public final class CpuFlags {
    private static final int EAX = 0;
    private static final int EBX = 1;
    private static final int ECX = 2;
    private static final int EDX = 3;
    private static final int EXTENDED = 0x80000001;

    /** One register of one leaf: names by bit, "-" where Linux shows none. */
    private record Word(int leaf, int subleaf, int register, String[] names) {
        Word(int leaf, int subleaf, int register, String names) {
            this(leaf, subleaf, register, names.split(" "));
        }
    }

    private static final List<Word> WORDS = List.of(
            new Word(
                    1,
                    0,
                    EDX,
                    "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi"
                            + " mmx fxsr sse sse2 ss ht tm ia64 pbe"),
            new Word(
                    EXTENDED,
                    0,
                    EDX,
                    "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp -"
                            + " lm 3dnowext 3dnow"),
            new Word(
                    1,
                    0,
                    ECX,
                    "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca"
                            + " sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor"),
            new Word(
                    EXTENDED,
                    0,
                    ECX,
                    "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop"
                            + " skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext"),
            new Word(
                    7,
                    0,
                    EBX,
                    "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f avx512dq"
                            + " rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw"
                            + " avx512vl"),
            new Word(0xd, 1, EAX, "xsaveopt xsavec xgetbv1 xsaves"),
            new Word(
                    7,
                    0,
                    ECX,
                    "- avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni avx512_bitalg"
                            + " tme avx512_vpopcntdq - la57 - - - - - rdpid - - cldemote - movdiri movdir64b"));

    private CpuFlags() {}

    /** What the engine's processor has. */
    static List<String> of(CpuEngine engine) {
        List<String> flags = new ArrayList<>();
        for (Word word : WORDS) {
            int bits = engine.cpuid(word.leaf, word.subleaf, word.register);
            for (int bit = 0; bit < word.names.length; bit++) {
                if ((bits >>> bit & 1) != 0 && !word.names[bit].equals("-")) {
                    flags.add(word.names[bit]);
                }
            }
        }
        return flags;
    }
}
