package faultline.emulator.fs;

import faultline.emulator.host.HostStat;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;

/**
 * Which opens the machine refuses although the host would allow them.
 *
 * <table>
 * <caption>Refusals</caption>
 * <tr><th>opened</th><th>how</th><th>errno</th><th>unless</th></tr>
 * <tr><td>file or directory of a read-only mount</td><td>to write, O_TRUNC, O_TMPFILE</td><td>EROFS</td><td></td></tr>
 * <tr><td>device file in a confined root</td><td>any</td><td>EACCES, as with mount option nodev</td><td></td></tr>
 * <tr><td>block device</td><td>to write</td><td>EACCES</td><td>--host-admin</td></tr>
 * <tr><td>the host's file in /proc</td><td>to write</td><td>EACCES</td><td>--host-admin</td></tr>
 * <tr><td>{@link KernelFiles}</td><td>to write</td><td>EACCES</td><td>--host-admin</td></tr>
 * <tr><td>file that a guest executes</td><td>to write, O_TRUNC</td><td>ETXTBSY</td><td></td></tr>
 * <tr><td>file that is a swap area</td><td>O_TRUNC</td><td>ETXTBSY</td><td></td></tr>
 * </table>
 *
 * O_PATH opens none of these.
 */
final class OpenRules {
    /** Major number of file systems that are on no block device. */
    private static final int NO_DEVICE = 0;

    private OpenRules() {}

    static boolean writes(int flags) {
        boolean access = (flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY || (flags & OpenFlags.O_TRUNC) != 0;
        return access && (flags & OpenFlags.O_PATH) == 0;
    }

    /** Before a file of a known type is opened: 0 or -errno. */
    static long refusal(GuestRoot root, Mount mount, int type, int flags) {
        boolean device = type == HostStat.S_IFCHR || type == HostStat.S_IFBLK;
        if (device && root.confined()) {
            return -Errno.EACCES;
        }
        boolean stored = type == HostStat.S_IFREG || type == HostStat.S_IFDIR;
        if (mount.readOnly() && stored && writes(flags)) {
            return type == HostStat.S_IFDIR && !isTemporary(flags) ? -Errno.EISDIR : -Errno.EROFS;
        }
        return 0;
    }

    private static boolean isTemporary(int flags) {
        return (flags & OpenFlags.O_TMPFILE) == OpenFlags.O_TMPFILE;
    }

    /** Before the host's file behind a name of the virtual tree is opened: 0 or -errno. */
    static long refusal(GuestRoot root, VirtualNode node, int flags) {
        if (!writes(flags)) {
            return 0;
        }
        if (node.refusesWrites()) {
            return -Errno.EROFS;
        }
        if (node.mayWrite()) {
            return 0;
        }
        return root.isolation().hostAdmin() && !root.confined() ? 0 : -Errno.EACCES;
    }

    private static boolean mayWriteNow(GuestRoot root, HostFile file, int flags) {
        boolean toWrite = (flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY;
        return toWrite ? file.takeWriteAccess() : !root.writeAccess().isDenied(file.key());
    }

    /** After a file was opened, with no effect yet: 0 or -errno. */
    static long refusal(GuestRoot root, HostFile file, int flags) {
        if (!writes(flags)) {
            return 0;
        }
        if (!mayWriteNow(root, file, flags)) {
            return -Errno.ETXTBSY;
        }
        if ((flags & OpenFlags.O_TRUNC) != 0 && file.isSwapFile()) {
            return -Errno.ETXTBSY;
        }
        if (root.isolation().hostAdmin()) {
            return 0;
        }
        boolean isKnob = file.type() == HostStat.S_IFREG
                && HostStat.major(file.dev()) == NO_DEVICE
                && KernelFiles.has(file.hostFd());
        return file.type() == HostStat.S_IFBLK || isKnob ? -Errno.EACCES : 0;
    }
}
