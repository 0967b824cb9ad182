package faultline.emulator.syscall.ipc;

import faultline.mmu.annotation.KernelFunction;
import java.util.List;

/**
 * Which message of a queue msgrcv(2) wants.
 *
 * <table>
 * <caption>By msgtyp and flags</caption>
 * <tr><td>0</td><td>the first</td></tr>
 * <tr><td>&gt; 0</td><td>the first of that type; with MSG_EXCEPT of any other</td></tr>
 * <tr><td>&lt; 0</td><td>the first of the lowest type that is not above the number</td></tr>
 * <tr><td>MSG_COPY</td><td>the one at that place, which stays</td></tr>
 * </table>
 *
 * @param wanted type, bound or place
 */
record MessageChoice(Mode mode, long wanted) {
    static final int MSG_NOERROR = 010000;
    static final int MSG_EXCEPT = 020000;
    static final int MSG_COPY = 040000;

    /** How messages are told apart. */
    enum Mode {
        ANY,
        EQUAL,
        NOT_EQUAL,
        LESS_OR_EQUAL,
        PLACE
    }

    @KernelFunction(value = "convert_mode", file = "ipc/msg.c")
    static MessageChoice of(long type, int flags) {
        if ((flags & MSG_COPY) != 0) {
            return new MessageChoice(Mode.PLACE, type);
        }
        if (type == 0) {
            return new MessageChoice(Mode.ANY, 0);
        }
        if (type < 0) {
            return new MessageChoice(Mode.LESS_OR_EQUAL, type == Long.MIN_VALUE ? Long.MAX_VALUE : -type);
        }
        return new MessageChoice((flags & MSG_EXCEPT) != 0 ? Mode.NOT_EQUAL : Mode.EQUAL, type);
    }

    /** Whether the message leaves the queue. */
    boolean takes() {
        return mode != Mode.PLACE;
    }

    /** Whether a message of that type would do, if no better one is there. */
    @KernelFunction(value = "testmsg", file = "ipc/msg.c")
    boolean accepts(long type) {
        return switch (mode) {
            case ANY, PLACE -> true;
            case EQUAL -> type == wanted;
            case NOT_EQUAL -> type != wanted;
            case LESS_OR_EQUAL -> type <= wanted;
        };
    }

    /** The message of a queue, the oldest first, that is meant; null when there is none. */
    @KernelFunction(value = "find_msg", file = "ipc/msg.c")
    Message find(List<Message> queue) {
        if (mode == Mode.PLACE) {
            return wanted >= 0 && wanted < queue.size() ? queue.get((int) wanted) : null;
        }
        Message found = null;
        for (Message message : queue) {
            if (!accepts(message.type())) {
                continue;
            }
            if (mode != Mode.LESS_OR_EQUAL) {
                return message;
            }
            if (found == null || message.type() < found.type()) {
                found = message;
            }
        }
        return found;
    }
}
