package faultline.emulator.core;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.cpu.UserRegisters;
import faultline.emulator.elf.AuxVector;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The notes of a core file, in Linux's order: the dying task's status, then what is of the process (NT_PRPSINFO,
 * NT_SIGINFO, NT_AUXV, NT_FILE), its floating point, then status and floating point of each other task.
 */
final class CoreNotes {
    private static final int NT_PRSTATUS = 1;
    private static final int NT_PRFPREG = 2;
    private static final int NT_PRPSINFO = 3;
    private static final int NT_AUXV = 6;
    private static final int NT_FILE = 0x46494c45;
    private static final int NT_SIGINFO = 0x53494749;

    private static final int PRSTATUS_BYTES = 336;
    private static final int PRPSINFO_BYTES = 136;
    private static final int NAME_BYTES = 16;
    private static final int ARGUMENT_BYTES = 80;

    private final Task dumper;
    private final Process process;
    private final SigInfo signal;
    private final List<CoreSegments.Segment> segments;
    private ByteBuffer out = ByteBuffer.allocate(1 << 14).order(ByteOrder.LITTLE_ENDIAN);

    CoreNotes(Task dumper, SigInfo signal, List<CoreSegments.Segment> segments) {
        this.dumper = dumper;
        this.process = dumper.process();
        this.signal = signal;
        this.segments = segments;
    }

    /** All notes, each padded to 4 bytes. */
    @KernelFunction(value = "write_note_info", file = "fs/binfmt_elf.c")
    byte[] bytes() {
        note(NT_PRSTATUS, status(dumper));
        note(NT_PRPSINFO, processInfo());
        note(NT_SIGINFO, signalInfo());
        note(NT_AUXV, auxv());
        note(NT_FILE, files());
        note(NT_PRFPREG, floatingPoint(dumper));
        for (Task task : process.tasks()) {
            if (task != dumper) {
                note(NT_PRSTATUS, status(task));
                note(NT_PRFPREG, floatingPoint(task));
            }
        }
        byte[] bytes = new byte[out.position()];
        out.get(0, bytes);
        return bytes;
    }

    private void note(int type, byte[] content) {
        int padded = content.length + 3 & ~3;
        int needed = out.position() + 20 + padded;
        if (needed > out.capacity()) {
            out = ByteBuffer.allocate(2 * needed).order(ByteOrder.LITTLE_ENDIAN).put(out.flip());
        }
        out.putInt(5).putInt(content.length).putInt(type);
        out.put("CORE\0\0\0\0".getBytes(StandardCharsets.ISO_8859_1));
        out.put(content);
        out.position(needed);
    }

    private static ByteBuffer block(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    @KernelFunction(value = "fill_prstatus", file = "fs/binfmt_elf.c")
    private byte[] status(Task task) {
        ByteBuffer b = block(PRSTATUS_BYTES);
        b.putInt(0, signal.signal()).putInt(4, signal.code()).putInt(8, signal.errno());
        b.putShort(12, (short) signal.signal());
        b.putLong(16, task.signals().pending().set()).putLong(24, task.signals().blocked());
        b.putInt(32, task.tid())
                .putInt(36, process.parentPid())
                .putInt(40, process.groupId())
                .putInt(44, process.sessionId());
        long user = task == dumper ? process.times().user() : task.times().user();
        long system = task == dumper ? process.times().system() : task.times().system();
        time(b, 48, user);
        time(b, 64, system);
        time(b, 80, process.times().childUser());
        time(b, 96, process.times().childSystem());
        for (int i = 0; i < UserRegisters.COUNT; i++) {
            b.putLong(112 + 8 * i, UserRegisters.get(task.cpuState(), task.syscallNumber(), i));
        }
        b.putInt(328, 1);
        return b.array();
    }

    private static void time(ByteBuffer b, int at, long nanos) {
        b.putLong(at, nanos / 1_000_000_000L).putLong(at + 8, nanos % 1_000_000_000L / 1000);
    }

    private static byte[] floatingPoint(Task task) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment image = arena.allocate(CpuState.FXSAVE_BYTES, 16);
            task.cpuState().fxsave(image);
            return image.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    @KernelFunction(value = "fill_psinfo", file = "fs/binfmt_elf.c")
    private byte[] processInfo() {
        ByteBuffer b = block(PRPSINFO_BYTES);
        b.put(1, (byte) 'R').put(3, (byte) dumper.scheduling().nice());
        b.putInt(16, process.kernel().uid()).putInt(20, (int) Libc.call(Nr.GETGID));
        b.putInt(24, process.pid())
                .putInt(28, process.parentPid())
                .putInt(32, process.groupId())
                .putInt(36, process.sessionId());
        text(b, 40, dumper.name(), NAME_BYTES);
        text(b, 56, String.join(" ", process.exec().argv()), ARGUMENT_BYTES);
        return b.array();
    }

    private static void text(ByteBuffer b, int at, String text, int room) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        b.put(at, bytes, 0, Math.min(bytes.length, room - 1));
    }

    private byte[] signalInfo() {
        byte[] bytes = new byte[SigInfo.SIZE];
        signal.write(MemorySegment.ofArray(bytes), 0);
        return bytes;
    }

    private byte[] auxv() {
        AuxVector auxv = process.exec().auxv();
        ByteBuffer b = block(16 * (auxv.count() + 1));
        for (int i = 0; i < auxv.count(); i++) {
            b.putLong(auxv.type(i)).putLong(auxv.value(i));
        }
        return b.array();
    }

    /** Which file is mapped where: count, page size, then start, end and page of each, then the names. */
    @KernelFunction(value = "fill_files_note", file = "fs/binfmt_elf.c")
    private byte[] files() {
        List<Vma> mapped = segments.stream()
                .map(CoreSegments.Segment::vma)
                .filter(vma -> vma.file() != null)
                .toList();
        StringBuilder names = new StringBuilder();
        mapped.forEach(vma -> names.append(vma.file().path()).append('\0'));
        ByteBuffer b = block(16 + 24 * mapped.size() + names.length());
        b.putLong(mapped.size()).putLong(Page.SIZE);
        mapped.forEach(vma -> b.putLong(vma.start()).putLong(vma.end()).putLong(vma.pgoff()));
        b.put(names.toString().getBytes(StandardCharsets.ISO_8859_1));
        return b.array();
    }
}
