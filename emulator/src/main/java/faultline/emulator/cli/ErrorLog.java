package faultline.emulator.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.FileAppender;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.LoggerFactory;

/**
 * The file that goes with the report of a mistake of Faultline's own: what was run and where, the exception, and what
 * each Java thread was doing. It is made when there is something to write into it.
 */
final class ErrorLog {
    private static final String NAME = "faultline.internal-error";

    private ErrorLog() {}

    /**
     * Writes the log.
     *
     * @return the file, which only its user can read
     * @throws IOException when it cannot be made
     */
    static Path write(Throwable mistake) throws IOException {
        Path file = Files.createTempFile("faultline-error-", ".log");
        if (!(LoggerFactory.getILoggerFactory() instanceof LoggerContext context)) {
            throw new IOException("another logger is in use");
        }
        Logger log = context.getLogger(NAME);
        FileAppender<ILoggingEvent> appender = appender(context, file);
        log.setAdditive(false);
        log.setLevel(Level.ERROR);
        log.addAppender(appender);
        log.error("{}", surroundings());
        log.error("internal error", mistake);
        log.error("{}", threads());
        log.detachAppender(appender);
        appender.stop();
        return file;
    }

    private static FileAppender<ILoggingEvent> appender(LoggerContext context, Path file) {
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern("%date [%thread] %msg%n%xEx");
        encoder.start();
        FileAppender<ILoggingEvent> appender = new FileAppender<>();
        appender.setContext(context);
        appender.setName(NAME);
        appender.setFile(file.toString());
        appender.setEncoder(encoder);
        appender.start();
        return appender;
    }

    private static String surroundings() {
        return "faultline " + Version.text()
                + "\njava      " + Runtime.version() + " in " + System.getProperty("java.home")
                + "\nhost      " + System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                + System.getProperty("os.arch")
                + "\nunicorn   " + System.getProperty("faultline.unicorn", System.getenv("FAULTLINE_UNICORN"))
                + "\ncommand   " + System.getProperty("sun.java.command");
    }

    private static String threads() {
        StringBuilder text = new StringBuilder("threads");
        Map<String, StackTraceElement[]> stacks = new TreeMap<>();
        Thread.getAllStackTraces()
                .forEach((thread, stack) ->
                        stacks.put(thread.getName() + " (" + thread.threadId() + ") " + thread.getState(), stack));
        stacks.forEach((name, stack) -> {
            text.append("\n\n").append(name);
            for (StackTraceElement frame : stack) {
                text.append("\n    at ").append(frame);
            }
        });
        return text.toString();
    }
}
