package faultline.emulator.elf;

/** One entry of an ELF64 program header table, as it stands in the file. Sizes and addresses are unsigned bytes. */
public record ProgramHeader(int type, int flags, long offset, long vaddr, long fileSize, long memSize, long align) {

    public static final int PT_LOAD = 1;
    public static final int PT_DYNAMIC = 2;
    public static final int PT_INTERP = 3;
    public static final int PT_PHDR = 6;
    public static final int PT_GNU_STACK = 0x6474e551;

    public static final int PF_X = 1;
    public static final int PF_W = 2;
    public static final int PF_R = 4;

    /** Size of an entry in the file. */
    public static final int SIZE = 56;

    /** PF_R. */
    public boolean readable() {
        return (flags & PF_R) != 0;
    }

    /** PF_W. */
    public boolean writable() {
        return (flags & PF_W) != 0;
    }

    /** PF_X. */
    public boolean executable() {
        return (flags & PF_X) != 0;
    }
}
