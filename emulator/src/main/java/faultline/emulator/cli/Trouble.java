package faultline.emulator.cli;

import faultline.emulator.unicorn.UnicornUnavailableException;

/** Says on standard error, in one line, why a command ended early. */
final class Trouble {
    private Trouble() {}

    /** Reports what was thrown and returns the exit status for it. */
    static int report(Throwable e) {
        debug(e);
        if (e instanceof CommandException command) {
            say(oneLine(command.getMessage()));
            return command.status();
        }
        if (e instanceof UnicornUnavailableException) {
            say(oneLine(e.getMessage()));
        } else if (e instanceof OutOfMemoryError) {
            say("out of memory: " + oneLine(e.getMessage()) + " (a smaller --mem may help)");
        } else {
            say("internal error: " + oneLine(e.toString()) + " (FAULTLINE_DEBUG=1 shows where)");
        }
        return ExitStatus.TROUBLE;
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
