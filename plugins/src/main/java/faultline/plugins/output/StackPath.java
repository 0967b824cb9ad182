package faultline.plugins.output;

import faultline.plugins.dwarf.SourceLine;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import java.util.ArrayList;
import java.util.List;

/** The stack of an event, outermost first: command, guest functions, then the kernel's path, marked {@code _[k]}. */
final class StackPath {
    private StackPath() {}

    /**
     * One level.
     *
     * @param line null where it is not known, and for all that is not the guest's
     */
    record Frame(String function, SourceLine line) {
        /** {@code function}, or {@code function:file.c:12}. */
        String text(boolean withLine) {
            return withLine && line != null ? function + ":" + line : function;
        }
    }

    static List<Frame> of(EventType type, long[] records, int base, Names names) {
        int pid = (int) (records[base + EventType.TASK] >>> 32);
        var path = new ArrayList<Frame>();
        path.add(new Frame(names.strings().text(records[base + EventType.COMM]), null));
        long[] frames = names.stacks().frames((int) (records[base + EventType.STACK]));
        for (int i = frames.length - 1; i >= 0; i--) {
            path.add(frame(names, pid, frames[i]));
        }
        if (type == Events.FAULT_USER || type == Events.FAULT_KERNEL) {
            if (frames.length == 0) {
                path.add(frame(names, pid, type.field("ip").get(records, base)));
            }
            path.add(kernel("handle_mm_fault"));
            path.add(kernel(names.text(type.field("path"), records, base)));
        } else {
            path.add(kernel(type.name()));
        }
        return path;
    }

    /** The same as words. */
    static List<String> texts(EventType type, long[] records, int base, Names names) {
        return of(type, records, base, names).stream()
                .map(frame -> frame.text(names.linesInStacks()))
                .toList();
    }

    private static Frame kernel(String name) {
        return new Frame(name + "_[k]", null);
    }

    private static Frame frame(Names names, int pid, long address) {
        return new Frame(
                function(names.symbols().name(pid, address)), names.symbols().line(pid, address));
    }

    /** A symbol without the offset. */
    static String function(String symbol) {
        int plus = symbol.lastIndexOf("+0x");
        return plus > 0 ? symbol.substring(0, plus) : symbol;
    }
}
