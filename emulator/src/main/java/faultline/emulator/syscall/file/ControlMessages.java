package faultline.emulator.syscall.file;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Ancillary data of sendmsg and recvmsg: passed as it is, but for the descriptors of SCM_RIGHTS, which are the guest's
 * on one side and the host's on the other.
 *
 * <p>Process ids in SCM_CREDENTIALS are the emulator's own on the host; a guest that sends them gets what the host
 * allows.
 *
 * <pre>
 *   struct cmsghdr   0 length (with this header)   8 level (int)   12 type (int)   16 data, padded to 8
 * </pre>
 */
final class ControlMessages implements AutoCloseable {
    /** Most bytes of control data one call carries. */
    static final int MOST = 20480;

    private static final int HEADER = 16;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;

    private final Arena arena = Arena.ofConfined();
    private final List<OpenFile> held = new ArrayList<>();
    private final MemorySegment block;
    private final int length;
    private long error;

    private ControlMessages(int length) {
        this.length = length;
        block = arena.allocate(Math.max(length, 1), 8);
    }

    /** Reads control data of the guest and puts host descriptors in the place of its own. */
    static ControlMessages toHost(Task t, long address, int length) {
        ControlMessages control = new ControlMessages(length);
        t.user().read(address, control.block, 0, length);
        control.translate(t);
        return control;
    }

    private void translate(Task t) {
        for (long at = 0; at + HEADER <= length; at = next(block, at)) {
            long size = block.get(ValueLayout.JAVA_LONG, at);
            if (size < HEADER || size > length - at) {
                error = -Errno.EINVAL;
                return;
            }
            if (!isRights(block, at)) {
                continue;
            }
            for (long slot = at + HEADER; slot + 4 <= at + size; slot += 4) {
                OpenFile file = FileCall.files(t).get(block.get(ValueLayout.JAVA_INT, slot));
                if (file != null) {
                    held.add(file);
                }
                if (file == null || file.hostFd() < 0) {
                    error = -Errno.EBADF;
                    return;
                }
                block.set(ValueLayout.JAVA_INT, slot, file.hostFd());
            }
        }
    }

    private static boolean isRights(MemorySegment block, long at) {
        return block.get(ValueLayout.JAVA_INT, at + 8) == SOL_SOCKET
                && block.get(ValueLayout.JAVA_INT, at + 12) == SCM_RIGHTS;
    }

    private static long next(MemorySegment block, long at) {
        return at + (block.get(ValueLayout.JAVA_LONG, at) + 7 & ~7L);
    }

    /** 0, or -errno when the data are bad. */
    long error() {
        return error;
    }

    MemorySegment block() {
        return block;
    }

    long length() {
        return length;
    }

    /** Lets go of the files whose host descriptors were sent. */
    @Override
    public void close() {
        held.forEach(OpenFile::put);
        arena.close();
    }

    /**
     * Gives received control data to the guest, with guest numbers for descriptors.
     *
     * @param to where to; 0 drops the data and closes what came
     * @return bytes given
     */
    static long toGuest(Task t, MemorySegment block, long length, long to, boolean cloexec) {
        for (long at = 0; at + HEADER <= length; at = next(block, at)) {
            long size = block.get(ValueLayout.JAVA_LONG, at);
            if (size < HEADER) {
                break;
            }
            if (!isRights(block, at)) {
                continue;
            }
            for (long slot = at + HEADER; slot + 4 <= at + size; slot += 4) {
                int host = block.get(ValueLayout.JAVA_INT, slot);
                if (to == 0) {
                    Libc.call(Nr.CLOSE, host);
                } else {
                    OpenFile file = FileCall.fs(t).root().receive(host);
                    block.set(ValueLayout.JAVA_INT, slot, (int) FileCall.install(t, file, cloexec));
                }
            }
        }
        if (to == 0 || length == 0) {
            return 0;
        }
        t.user().write(to, block, 0, length);
        return length;
    }
}
