package faultline.emulator.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;

/** {@link System#out}, which swallows errors, with the first of them kept: a full disk must not look like success. */
final class StandardOutput extends OutputStream {
    /** What the shell makes of a program that SIGPIPE ended, as it does most that write to a pipe nobody reads. */
    private static final int BROKEN_PIPE = 128 + 13;

    private final OutputStream out = new FileOutputStream(FileDescriptor.out);
    private volatile IOException failure;

    private StandardOutput() {}

    /** Takes the place of {@link System#out}. */
    static StandardOutput install() {
        StandardOutput made = new StandardOutput();
        System.setOut(new PrintStream(made, true, System.out.charset()));
        return made;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
        try {
            out.write(bytes, from, count);
        } catch (IOException e) {
            failure = failure == null ? e : failure;
            throw e;
        }
    }

    /** The exit status of a command that ended with {@code status}, all of whose output should be written by now. */
    int check(int status) {
        System.out.flush();
        if (failure == null || status != 0) {
            return status;
        }
        if ("Broken pipe".equals(failure.getMessage())) {
            return BROKEN_PIPE;
        }
        Trouble.say("cannot write to standard output: " + Trouble.oneLine(failure.getMessage()));
        return ExitStatus.TROUBLE;
    }
}
