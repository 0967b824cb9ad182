package faultline.emulator.elf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Small ELF files for tests. */
final class ElfFiles {
    static final int PHDR_OFFSET = 64;
    static final int FIRST_LOAD = PHDR_OFFSET + 56;
    static final int SIZE = 0x1000;

    private ElfFiles() {}

    /** A dynamic executable: PT_INTERP, a text and a data segment, PT_GNU_STACK. */
    static ByteBuffer dynamic() {
        ByteBuffer file = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
        file.put(0, new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1});
        file.putShort(16, (short) ElfImage.ET_DYN).putShort(18, (short) 62).putInt(20, 1);
        file.putLong(24, 0x1040).putLong(32, PHDR_OFFSET);
        file.putShort(52, (short) 64).putShort(54, (short) 56).putShort(56, (short) 4);
        byte[] path = "/lib64/ld-linux-x86-64.so.2\0".getBytes(StandardCharsets.ISO_8859_1);
        file.put(0x200, path);
        header(file, 0, ProgramHeader.PT_INTERP, 4, 0x200, 0x200, path.length, path.length, 1);
        header(file, 1, ProgramHeader.PT_LOAD, 5, 0, 0, 0x800, 0x800, 0x1000);
        header(file, 2, ProgramHeader.PT_LOAD, 6, 0x800, 0x2800, 0x100, 0x5000, 0x1000);
        header(file, 3, ProgramHeader.PT_GNU_STACK, 6, 0, 0, 0, 0, 16);
        return file;
    }

    static void header(
            ByteBuffer file,
            int index,
            int type,
            int flags,
            long offset,
            long vaddr,
            long fileSize,
            long memSize,
            long align) {
        int at = PHDR_OFFSET + 56 * index;
        file.putInt(at, type).putInt(at + 4, flags).putLong(at + 8, offset).putLong(at + 16, vaddr);
        file.putLong(at + 24, vaddr)
                .putLong(at + 32, fileSize)
                .putLong(at + 40, memSize)
                .putLong(at + 48, align);
    }

    static ElfImage parse(ByteBuffer file) throws ElfException {
        return ElfImage.parse(ElfSource.of(file.array()));
    }
}
