package faultline.plugins.output;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import java.util.ArrayList;
import java.util.List;

/** The stack of an event, outermost first: command, guest functions, then the kernel's path, marked {@code _[k]}. */
final class StackPath {
    private StackPath() {}

    static List<String> of(EventType type, long[] records, int base, Names names) {
        int pid = (int) (records[base + EventType.TASK] >>> 32);
        var path = new ArrayList<String>();
        path.add(names.strings().text(records[base + EventType.COMM]));
        long[] frames = names.stacks().frames((int) (records[base + EventType.STACK]));
        for (int i = frames.length - 1; i >= 0; i--) {
            path.add(function(names.symbols().name(pid, frames[i])));
        }
        if (type == Events.FAULT_USER || type == Events.FAULT_KERNEL) {
            if (frames.length == 0) {
                path.add(function(names.symbols().name(pid, type.field("ip").get(records, base))));
            }
            path.add("handle_mm_fault_[k]");
            path.add(names.text(type.field("path"), records, base) + "_[k]");
        } else {
            path.add(type.name() + "_[k]");
        }
        return path;
    }

    private static String function(String symbol) {
        int plus = symbol.lastIndexOf("+0x");
        return plus > 0 ? symbol.substring(0, plus) : symbol;
    }
}
