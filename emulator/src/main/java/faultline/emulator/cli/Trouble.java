package faultline.emulator.cli;

import faultline.emulator.task.KernelPanic;
import faultline.emulator.unicorn.UnicornUnavailableException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;

/** Says on standard error, in one line and an excerpt at most, why a command ended early. */
final class Trouble {
    private Trouble() {}

    /** Reports what was thrown and returns the exit status for it. */
    static int report(Throwable e) {
        debug(e);
        if (e instanceof CommandException command) {
            say(oneLine(command.getMessage()) + (command.shown().isEmpty() ? "" : "\n" + command.shown()));
            return command.status();
        }
        Throwable cause = e instanceof KernelPanic ? e.getCause() : e;
        if (cause instanceof UnicornUnavailableException) {
            say(oneLine(cause.getMessage()));
        } else if (cause instanceof OutOfMemoryError) {
            say("out of memory: " + oneLine(cause.getMessage()) + " (a smaller --mem may help)");
        } else if (cause instanceof UncheckedIOException unchecked) {
            say(oneLine(unchecked.getMessage()) + ": " + reason(unchecked.getCause()));
        } else if (cause instanceof IOException io) {
            say(reason(io));
        } else {
            say("internal error, a mistake of Faultline's own and not of the program's: "
                    + oneLine(e instanceof KernelPanic ? e.getMessage() : e.toString()) + " (please report it with "
                    + log(e) + ")");
        }
        return ExitStatus.TROUBLE;
    }

    /** What the host says, of whose message some exceptions keep the file's name only. */
    private static String reason(IOException e) {
        String message = oneLine(e.getMessage());
        return switch (e) {
            case NoSuchFileException none -> message + ": no such file or directory";
            case AccessDeniedException denied -> message + ": permission denied";
            default -> message;
        };
    }

    /** What to report an internal error with. */
    private static String log(Throwable e) {
        try {
            return ErrorLog.write(e).toString();
        } catch (IOException none) {
            return "what FAULTLINE_DEBUG=1 prints; no log file can be made: " + oneLine(none.toString());
        }
    }

    static void say(String message) {
        System.err.println("faultline: " + message);
    }

    static void debug(Throwable e) {
        if (System.getenv("FAULTLINE_DEBUG") != null) {
            e.printStackTrace();
        }
    }

    /** The message on one line: it may quote a file name or an argument that has line feeds in it. */
    static String oneLine(String message) {
        return message == null ? "no message" : message.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
