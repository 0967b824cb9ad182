package faultline.plugins.dwarf;

/** Runs the program of one unit: a byte-coded way to write down rows of address, file and line. */
final class LineProgram {
    private static final int COPY = 1;
    private static final int ADVANCE_PC = 2;
    private static final int ADVANCE_LINE = 3;
    private static final int SET_FILE = 4;
    private static final int CONST_ADD_PC = 8;
    private static final int FIXED_ADVANCE_PC = 9;
    private static final int END_SEQUENCE = 1;
    private static final int SET_ADDRESS = 2;
    private static final int DEFINE_FILE = 3;
    private static final int LAST_SPECIAL = 255;

    private final LineHeader header;
    private final LineTable rows;
    private long address;
    private long file;
    private long line;

    /** @param rows gets the rows */
    LineProgram(LineHeader header, LineTable rows) {
        this.header = header;
        this.rows = rows;
        reset();
    }

    private void reset() {
        address = 0;
        file = 1;
        line = 1;
    }

    void run(DwarfReader code) {
        while (code.hasMore()) {
            int opcode = code.u8();
            if (opcode >= header.opcodeBase) {
                advance(opcode);
                line += header.lineBase + (opcode - header.opcodeBase) % header.lineRange;
                row();
            } else if (opcode == 0) {
                extended(code);
            } else {
                standard(opcode, code);
            }
        }
    }

    /** The advance of the address that goes with a special opcode. */
    private void advance(int opcode) {
        address += (long) (opcode - header.opcodeBase) / header.lineRange * header.minInstructionLength;
    }

    private void row() {
        rows.add(address, header, file, line);
    }

    private void standard(int opcode, DwarfReader code) {
        switch (opcode) {
            case COPY -> row();
            case ADVANCE_PC -> address += code.uleb() * header.minInstructionLength;
            case ADVANCE_LINE -> line += code.sleb();
            case SET_FILE -> file = code.uleb();
            case CONST_ADD_PC -> advance(LAST_SPECIAL);
            case FIXED_ADVANCE_PC -> address += code.u16();
            default -> { // columns, statements, prologues: of no interest, and so are opcodes of the future
                for (int i = 0; i < header.operands[opcode]; i++) {
                    code.uleb();
                }
            }
        }
    }

    private void extended(DwarfReader code) {
        DwarfReader body = code.part(code.uleb());
        if (!body.hasMore()) {
            return;
        }
        switch (body.u8()) {
            case END_SEQUENCE -> {
                rows.endSequence(address);
                reset();
            }
            case SET_ADDRESS -> address = body.u64();
            case DEFINE_FILE -> header.define(body);
            default -> {} // discriminators, and what others have added
        }
    }
}
