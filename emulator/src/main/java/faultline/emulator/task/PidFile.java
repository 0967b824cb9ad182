package faultline.emulator.task;

import faultline.emulator.fs.EmulatedFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A descriptor of a process (pidfd): stays that process' when the number is used again, and is readable for poll(2)
 * once the process has ended.
 *
 * <p>Behind it is a pipe of the host's, so that poll, select and epoll wait for it like for anything else; a byte is
 * put in when the process ends. Nothing but waiting reaches the pipe.
 */
public final class PidFile extends EmulatedFile {
    private final Process process;
    private final int readEnd;
    private final int writeEnd;
    private boolean ended;
    private boolean hungUp;

    private PidFile(Process process, int readEnd, int writeEnd, int flags) {
        super("anon_inode:[pidfd]", OpenFlags.O_RDWR | flags & OpenFlags.O_NONBLOCK, OpenFlags.O_NONBLOCK);
        this.process = process;
        this.readEnd = readEnd;
        this.writeEnd = writeEnd;
    }

    /**
     * Opens a process.
     *
     * @param flags O_NONBLOCK: waitid does not wait
     * @return null when the host has no descriptors left
     */
    public static PidFile open(Process process, int flags) {
        MemorySegment ends = HostScratch.get().struct();
        if (Libc.call(Nr.PIPE2, ends.address(), OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK) < 0) {
            return null;
        }
        PidFile file =
                new PidFile(process, ends.get(ValueLayout.JAVA_INT, 0), ends.get(ValueLayout.JAVA_INT, 4), flags);
        process.addWatcher(file);
        return file;
    }

    /** Whose descriptor it is. */
    public Process process() {
        return process;
    }

    /** The process has ended: pollers wake. Under the process' watchers' monitor. */
    void noteEnd() {
        if (!ended) {
            ended = true;
            Libc.call(Nr.WRITE, writeEnd, HostScratch.get().struct().address(), 1);
        }
    }

    /** The process is gone: POLLHUP. Under the process' watchers' monitor. */
    void hangUp() {
        if (!hungUp) {
            hungUp = true;
            Libc.call(Nr.CLOSE, writeEnd);
        }
    }

    @Override
    protected void release() {
        process.removeWatcher(this);
        hangUp();
        Libc.call(Nr.CLOSE, readEnd);
    }

    @Override
    public int hostFd() {
        return readEnd;
    }
}
