package faultline.plugins.output;

import faultline.plugins.dwarf.SourceLine;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.StackTable;
import faultline.plugins.event.StringTable;
import java.io.IOException;
import java.util.Map;

/** A small, fixed trace: a user fault with a stack, a step within it, a kernel fault, a lock wait, a system call. */
final class SampleEvents {
    final StringTable strings = new StringTable();
    final StackTable stacks = new StackTable();
    final Names names = new Names(strings, stacks, new Symbols());

    /** Two functions, and the source line of one of them. */
    private static final class Symbols implements Names.Symbols {
        @Override
        public String name(int pid, long address) {
            return switch ((int) address) {
                case 0x401234 -> "touch+0x34";
                case 0x401100 -> "main+0x10";
                default -> "0x" + Long.toHexString(address);
            };
        }

        @Override
        public SourceLine line(int pid, long address) {
            return address == 0x401234 ? new SourceLine("src/demo.c", 7) : null;
        }
    }

    long[] record(EventType type, long time, long cost, Map<String, Object> fields) {
        var record = new long[EventType.WORDS];
        record[EventType.TYPE] = type.id();
        record[EventType.TIME] = time;
        record[EventType.TASK] = 100L << 32 | 101;
        record[EventType.COMM] = strings.number("demo");
        record[EventType.COST] = cost;
        fields.forEach((name, value) -> record[type.field(name).word()] =
                value instanceof String text ? strings.number(text) : ((Number) value).longValue());
        return record;
    }

    void feed(EventSink sink) throws IOException {
        long[] step = record(Events.STEP, 1_900, 300, Map.of("step", "do_anonymous_page"));
        long[] fault = record(
                Events.FAULT_USER,
                2_000,
                640,
                Map.of(
                        "address",
                        0x4c2010,
                        "ip",
                        0x401234,
                        "error_code",
                        6,
                        "path",
                        "NEW_PAGE",
                        "vma",
                        "[heap]",
                        "result",
                        "done",
                        "pte_after",
                        0x8000_0000_0123_4067L));
        fault[EventType.STACK] = stacks.number(new long[] {0x401234, 0x401100}, 2);
        long[] kernel = record(
                Events.FAULT_KERNEL,
                3_000_000,
                1_000,
                Map.of(
                        "address",
                        0x7ffe_0000,
                        "error_code",
                        0,
                        "path",
                        "FILE_READ",
                        "vma",
                        "/bin/a b;c",
                        "result",
                        "SIGBUS",
                        "major",
                        1));
        long[] lock = record(Events.SPIN_LOCK, 3_100_000, 50, Map.of("lock", 0x10, "lock_class", "PTL"));
        long[] call = record(Events.SYS_EXIT, 3_200_000, 90, Map.of("id", 9, "syscall", "mmap", "ret", -12));
        for (long[] record : new long[][] {step, fault, kernel, lock, call}) {
            sink.event(Events.ALL.get((int) record[EventType.TYPE]), record, 0);
        }
        sink.close();
    }
}
