package faultline.emulator.fs;

import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/** A file of the virtual tree whose text the emulator makes. */
class VirtualText extends VirtualNode {
    private final Supplier<String> text;
    private final ToLongFunction<String> writer;

    /** @param writer null for a file that nobody may write */
    VirtualText(String path, String counterpart, Supplier<String> text, ToLongFunction<String> writer) {
        super(path, counterpart);
        this.text = text;
        this.writer = writer;
    }

    /** Whether the mode of a file that can be written lets the caller do so. */
    boolean callerMayWrite() {
        return true;
    }

    @Override
    public Opened open(int flags) {
        if ((flags & OpenFlags.O_DIRECTORY) != 0) {
            return Opened.failed(-Errno.ENOTDIR);
        }
        boolean writes = (flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY && (flags & OpenFlags.O_PATH) == 0;
        if (writes && (writer == null || !callerMayWrite())) {
            return Opened.failed(-Errno.EACCES);
        }
        return Opened.of(new VirtualFile(path(), counterpart(), flags, text, writer));
    }
}
