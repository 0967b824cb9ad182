package faultline.emulator.syscall.file;

import faultline.emulator.fs.AbstractNames;
import faultline.emulator.fs.LastComponent;
import faultline.emulator.fs.PathRef;
import faultline.emulator.host.HostScratch;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Socket addresses on their way between guest and host.
 *
 * <p>The name of a Unix socket in the file system is a path of the guest: relative to its working directory, which the
 * host does not know, and inside its root. The host call is made with the path's directory as the thread's working
 * directory. Abstract names pass as they are.
 */
final class SocketAddress {
    /** {@code struct sockaddr_storage}. */
    static final int MOST = 128;

    private static final short AF_UNIX = 1;
    private static final int FAMILY_BYTES = 2;
    private static final int UNIX_PATH = 108;

    private SocketAddress() {}

    /** A host call with an address at a pointer. */
    @FunctionalInterface
    interface OnAddress {
        long run(long pointer, long length);
    }

    /** A native block for the host to fill: an address, then its length, set to {@link #MOST}. */
    static MemorySegment room() {
        MemorySegment block = HostScratch.get().struct();
        block.set(ValueLayout.JAVA_INT, MOST, MOST);
        return block;
    }

    /** What the host put into {@link #room}. */
    static byte[] taken(MemorySegment block) {
        int length = Math.min(block.get(ValueLayout.JAVA_INT, MOST), MOST);
        return block.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
    }

    /** Hands an address to the guest: as much as it has room for, and how long it really is. */
    static long give(Task t, byte[] from, long address, long lengthAddress) {
        int room = t.user().getInt(lengthAddress);
        if (room < 0) {
            return -Errno.EINVAL;
        }
        giveInto(t, from, address, room, lengthAddress);
        return 0;
    }

    /** As {@link #give}, with the guest's room known. */
    static void giveInto(Task t, byte[] from, long address, int room, long lengthAddress) {
        byte[] shown = toGuest(t, from);
        t.user().write(address, shown, 0, Math.min(Math.max(room, 0), shown.length));
        t.user().putInt(lengthAddress, shown.length);
    }

    private static byte[] toGuest(Task t, byte[] from) {
        AbstractNames names = FileCall.fs(t).root().abstractNames();
        return names == null || !isAbstract(from) ? from : abstractAddress(names.toGuest(nameOf(from)));
    }

    /** The host's address for an abstract one of a machine without network. */
    private static byte[] toHost(AbstractNames names, byte[] address) {
        byte[] name = address.length == FAMILY_BYTES ? names.unnamed() : nameOf(address);
        return abstractAddress(names.toHost(name));
    }

    private static boolean isAbstract(byte[] address) {
        return address.length > FAMILY_BYTES && isUnix(address) && address[FAMILY_BYTES] == 0;
    }

    private static boolean isUnix(byte[] address) {
        return address.length >= FAMILY_BYTES && address[0] == AF_UNIX && address[1] == 0;
    }

    private static byte[] nameOf(byte[] address) {
        return Arrays.copyOfRange(address, FAMILY_BYTES + 1, address.length);
    }

    private static byte[] abstractAddress(byte[] name) {
        byte[] address = new byte[FAMILY_BYTES + 1 + name.length];
        address[0] = AF_UNIX;
        System.arraycopy(name, 0, address, FAMILY_BYTES + 1, name.length);
        return address;
    }

    /**
     * Reads an address of the guest, makes it the host's, and runs a call with it.
     *
     * @param creates whether the call makes the name (bind)
     */
    static long with(Task t, long address, long length, boolean creates, OnAddress call) {
        if ((int) length < 0 || (int) length > MOST) {
            return -Errno.EINVAL;
        }
        byte[] bytes = new byte[(int) length];
        t.user().read(address, bytes, 0, bytes.length);
        AbstractNames names = FileCall.fs(t).root().abstractNames();
        boolean unnamed = creates && bytes.length == FAMILY_BYTES && isUnix(bytes);
        if (names != null && (unnamed || isAbstract(bytes))) {
            byte[] host = toHost(names, bytes);
            return call.run(put(host), host.length);
        }
        String path = unixPath(bytes);
        if (path == null || !needsResolution(t, path)) {
            if (creates && path != null) {
                HostScratch.get().useUmask(FileCall.fs(t).umask());
            }
            return call.run(put(bytes), bytes.length);
        }
        LastComponent last = creates ? LastComponent.NAME : LastComponent.FOLLOW;
        try (PathRef ref = FileCall.fs(t).resolve(t, null, path, last)) {
            long error = ref.error() == 0 && creates ? ChangeCall.refusedToMake(t, ref) : ref.error();
            if (error < 0) {
                return error == -Errno.EEXIST ? -Errno.EADDRINUSE : error;
            }
            if (ref.dirFd() >= 0) {
                // The socket keeps the name it is given, and getsockname tells it: so it must not be one of /proc.
                long entered = HostScratch.get().useDirectory(ref.dirFd());
                if (entered < 0) {
                    return entered;
                }
            }
            HostScratch.get().useUmask(FileCall.fs(t).umask());
            byte[] host = unixAddress(ref.name());
            return host.length > UNIX_PATH + FAMILY_BYTES ? -Errno.EINVAL : call.run(put(host), host.length);
        }
    }

    private static byte[] unixAddress(String path) {
        byte[] name = path.getBytes(StandardCharsets.ISO_8859_1);
        byte[] host = new byte[FAMILY_BYTES + name.length + 1];
        host[0] = AF_UNIX;
        System.arraycopy(name, 0, host, FAMILY_BYTES, name.length);
        return host;
    }

    /** Copies an address to the native block. */
    private static long put(byte[] bytes) {
        MemorySegment block = HostScratch.get().addressBlock();
        MemorySegment.copy(bytes, 0, block, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return block.address();
    }

    /** The path of a Unix address in the file system; null for any other address. */
    private static String unixPath(byte[] bytes) {
        if (bytes.length <= FAMILY_BYTES || !isUnix(bytes) || isAbstract(bytes)) {
            return null;
        }
        int end = FAMILY_BYTES;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        return new String(bytes, FAMILY_BYTES, end - FAMILY_BYTES, StandardCharsets.ISO_8859_1);
    }

    private static boolean needsResolution(Task t, String path) {
        return FileCall.fs(t).root().differs() || !path.startsWith("/");
    }
}
