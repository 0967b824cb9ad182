package faultline.emulator.fs;

import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;

/** A symbolic link of the virtual tree, not followed. */
final class VirtualLink extends VirtualNode {
    private final String target;

    /** @param counterpart a host link that looks alike */
    VirtualLink(String path, String counterpart, String target) {
        super(path, counterpart);
        this.target = target;
    }

    @Override
    public String target() {
        return target;
    }

    @Override
    public Opened open(int flags) {
        // O_PATH | O_NOFOLLOW of a link: a descriptor for fstat and readlinkat with an empty path.
        return (flags & OpenFlags.O_DIRECTORY) != 0
                ? Opened.failed(-Errno.ENOTDIR)
                : Opened.of(new VirtualFile(path(), counterpart(), flags, () -> null, null));
    }
}
