package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostWait;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.task.Task;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The descriptors of one poll or select call: those of the host are waited for, those of the emulator's own files have
 * their answer at once. Each open file stays referenced until the end.
 */
final class PollSet implements AutoCloseable {
    private static final int POLLERR = 0x8;
    private static final int POLLNVAL = 0x20;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment fds;
    private final OpenFile[] files;
    private final int[] known;
    private int count;

    PollSet(int capacity) {
        fds = arena.allocate((capacity + 1L) * HostWait.POLLFD, 8);
        files = new OpenFile[capacity];
        known = new int[capacity];
    }

    /** Adds a guest descriptor; a negative one is skipped, as poll(2) does. */
    void add(Task t, int fd, int events) {
        int i = count++;
        long slot = (long) i * HostWait.POLLFD;
        fds.set(ValueLayout.JAVA_INT, slot, -1);
        fds.set(ValueLayout.JAVA_INT, slot + 4, 0);
        if (fd < 0) {
            return;
        }
        OpenFile file = FileCall.files(t).get(fd);
        files[i] = file;
        if (file == null) {
            known[i] = POLLNVAL;
        } else if (file.pollsAsError()) {
            known[i] = POLLERR;
        } else if (file.hostFd() < 0) {
            known[i] = file.pollEvents() & events;
        } else {
            file.beforeWait(t);
            fds.set(ValueLayout.JAVA_INT, slot, file.hostFd());
            fds.set(ValueLayout.JAVA_SHORT, slot + 4, (short) (events & file.polledEvents()));
        }
    }

    /** Waits; returns how many are ready, {@link HostWait#INTERRUPTED}, or -errno. */
    long await(Task t, long nanos) {
        long atOnce = 0;
        for (int i = 0; i < count; i++) {
            if (known[i] != 0) {
                atOnce++;
            }
        }
        long ready = HostWait.poll(t, fds, count, atOnce > 0 ? 0 : nanos);
        return ready < 0 ? ready : ready + atOnce;
    }

    /** What happened on the i-th descriptor added. */
    int revents(int i) {
        return known[i] | fds.get(ValueLayout.JAVA_SHORT, (long) i * HostWait.POLLFD + 6) & 0xffff;
    }

    @Override
    public void close() {
        for (int i = 0; i < count; i++) {
            if (files[i] != null) {
                files[i].put();
            }
        }
        arena.close();
    }
}
