package faultline.emulator.fs;

import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import java.util.List;
import java.util.function.Supplier;

/** A directory of the virtual tree. */
final class VirtualFolder extends VirtualNode {
    private final Supplier<List<VirtualDirectory.Entry>> entries;

    VirtualFolder(String path, String counterpart, Supplier<List<VirtualDirectory.Entry>> entries) {
        super(path, counterpart);
        this.entries = entries;
    }

    @Override
    public Opened open(int flags) {
        if ((flags & OpenFlags.O_PATH) == 0
                && ((flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY || (flags & OpenFlags.O_CREAT) != 0)) {
            return Opened.failed(-Errno.EISDIR);
        }
        return Opened.of(new VirtualDirectory(path(), counterpart(), flags, entries));
    }
}
