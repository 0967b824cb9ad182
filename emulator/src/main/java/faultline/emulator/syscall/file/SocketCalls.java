package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostWait;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.Restart;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Sockets: the host's, tried without blocking and waited for so that a signal can end the wait.
 *
 * <p>Addresses of Unix sockets are paths and go through path resolution ({@link SocketAddress}); descriptors in control
 * messages change numbers on their way ({@link ControlMessages}).
 */
final class SocketCalls implements SyscallFamily {
    static final int MSG_DONTWAIT = 0x40;
    private static final int AF_UNIX = 1;
    private static final int OPTION_MOST = 4096;
    private static final int SOL_SOCKET = 1;
    private static final int SO_ERROR = 4;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.SOCKET,
                "socket",
                (t, family, type, protocol, d, e, f) -> socket(t, (int) family, (int) type, (int) protocol));
        table.register(Nr.SOCKETPAIR, "socketpair", SocketCalls::pair);
        table.register(
                Nr.BIND,
                "bind",
                (t, fd, address, length, d, e, f) -> onSocket(
                        t,
                        fd,
                        s -> SocketAddress.with(
                                t, address, length, true, (a, n) -> Libc.call(Nr.BIND, s.hostFd(), a, n))));
        table.register(
                Nr.CONNECT,
                "connect",
                (t, fd, address, length, d, e, f) -> onSocket(
                        t, fd, s -> SocketAddress.with(t, address, length, false, (a, n) -> connect(t, s, a, n))));
        table.register(
                Nr.LISTEN,
                "listen",
                (t, fd, backlog, c, d, e, f) -> onSocket(t, fd, s -> Libc.call(Nr.LISTEN, s.hostFd(), (int) backlog)));
        table.register(Nr.ACCEPT, "accept", (t, fd, address, length, d, e, f) -> accept(t, fd, address, length, 0));
        table.register(
                Nr.ACCEPT4,
                "accept4",
                (t, fd, address, length, flags, e, f) -> accept(t, fd, address, length, (int) flags));
        table.register(
                Nr.GETSOCKNAME,
                "getsockname",
                (t, fd, address, length, d, e, f) -> name(t, Nr.GETSOCKNAME, fd, address, length));
        table.register(
                Nr.GETPEERNAME,
                "getpeername",
                (t, fd, address, length, d, e, f) -> name(t, Nr.GETPEERNAME, fd, address, length));
        table.register(
                Nr.SHUTDOWN,
                "shutdown",
                (t, fd, how, c, d, e, f) -> onSocket(t, fd, s -> Libc.call(Nr.SHUTDOWN, s.hostFd(), (int) how)));
        table.register(Nr.SETSOCKOPT, "setsockopt", SocketCalls::setOption);
        table.register(Nr.GETSOCKOPT, "getsockopt", SocketCalls::getOption);
        new MessageCalls().register(table);
    }

    static long onSocket(Task t, long fd, FileCall.OnFile body) {
        return FileCall.onHostFd(t, fd, -Errno.ENOTSOCK, body);
    }

    private static long socket(Task t, int family, int type, int protocol) {
        if (isUnreachable(t, family)) {
            return -Errno.EAFNOSUPPORT;
        }
        long host = Libc.call(Nr.SOCKET, family, type | OpenFlags.O_CLOEXEC, protocol);
        return DescriptorCalls.adopt(t, host, (type & OpenFlags.O_CLOEXEC) != 0);
    }

    /** Without network there is no family but Unix, as in a kernel that was built so. */
    private static boolean isUnreachable(Task t, int family) {
        return family != AF_UNIX && FileCall.fs(t).root().isolation().noNet();
    }

    private static long pair(Task t, long family, long type, long protocol, long fds, long e, long f) {
        if (isUnreachable(t, (int) family)) {
            return -Errno.EAFNOSUPPORT;
        }
        MemorySegment pair = HostScratch.get().struct();
        long r = Libc.call(
                Nr.SOCKETPAIR, (int) family, (int) type | OpenFlags.O_CLOEXEC, (int) protocol, pair.address());
        if (r < 0) {
            return r;
        }
        return DescriptorCalls.adoptPair(
                t,
                pair.get(ValueLayout.JAVA_INT, 0),
                pair.get(ValueLayout.JAVA_INT, 4),
                fds,
                (type & OpenFlags.O_CLOEXEC) != 0);
    }

    static boolean nonBlocking(OpenFile socket) {
        return (socket.statusFlags() & OpenFlags.O_NONBLOCK) != 0;
    }

    /**
     * Connects; a blocking socket is made non-blocking for the moment, because connect(2) has no flag for that.
     *
     * <p>Whoever shares the open file sees O_NONBLOCK meanwhile: a race that only two tasks connecting and using one
     * socket at once could notice.
     */
    private static long connect(Task t, OpenFile socket, long address, long length) {
        int fd = socket.hostFd();
        if (nonBlocking(socket)) {
            return Libc.call(Nr.CONNECT, fd, address, length);
        }
        int flags = socket.statusFlags();
        socket.setStatusFlags(flags | OpenFlags.O_NONBLOCK);
        try {
            while (true) {
                long r = Libc.call(Nr.CONNECT, fd, address, length);
                if (r == -Errno.EAGAIN) {
                    // A Unix socket whose backlog is full: there is nothing to poll for.
                    if (t.signalPending()) {
                        return -Restart.ERESTARTSYS;
                    }
                    t.park(1_000_000);
                    continue;
                }
                if (r != -Errno.EINPROGRESS && r != -Errno.EALREADY) {
                    return r;
                }
                long ready = HostWait.until(t, fd, HostWait.POLLOUT);
                return ready < 0 ? ready : pendingError(fd);
            }
        } finally {
            socket.setStatusFlags(flags);
        }
    }

    private static long pendingError(int fd) {
        MemorySegment block = HostScratch.get().struct();
        block.set(ValueLayout.JAVA_INT, 0, 0);
        block.set(ValueLayout.JAVA_INT, 4, 4);
        long r = Libc.call(Nr.GETSOCKOPT, fd, SOL_SOCKET, SO_ERROR, block.address(), block.address() + 4);
        return r < 0 ? r : -block.get(ValueLayout.JAVA_INT, 0);
    }

    private static long accept(Task t, long fd, long address, long lengthAddress, int flags) {
        int known = OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK;
        if ((flags & ~known) != 0) {
            return -Errno.EINVAL;
        }
        return onSocket(t, fd, s -> {
            if (!nonBlocking(s)) {
                long ready = HostWait.until(t, s.hostFd(), HostWait.POLLIN);
                if (ready < 0) {
                    return ready;
                }
            }
            MemorySegment block = SocketAddress.room();
            long made = Libc.call(
                    Nr.ACCEPT4,
                    s.hostFd(),
                    block.address(),
                    block.address() + SocketAddress.MOST,
                    flags | OpenFlags.O_CLOEXEC);
            if (made < 0) {
                return made;
            }
            byte[] from = SocketAddress.taken(block);
            long guest = DescriptorCalls.adopt(t, made, (flags & OpenFlags.O_CLOEXEC) != 0);
            if (guest >= 0 && address != 0) {
                long r = SocketAddress.give(t, from, address, lengthAddress);
                if (r < 0) {
                    FileCall.files(t).close((int) guest);
                    return r;
                }
            }
            return guest;
        });
    }

    private static long name(Task t, int nr, long fd, long address, long lengthAddress) {
        return onSocket(t, fd, s -> {
            MemorySegment block = SocketAddress.room();
            long r = Libc.call(nr, s.hostFd(), block.address(), block.address() + SocketAddress.MOST);
            return r < 0 ? r : SocketAddress.give(t, SocketAddress.taken(block), address, lengthAddress);
        });
    }

    private static long setOption(Task t, long fd, long level, long option, long value, long length, long f) {
        return onSocket(t, fd, s -> {
            if ((int) length < 0 || (int) length > OPTION_MOST) {
                return -Errno.EINVAL;
            }
            MemorySegment block = HostScratch.get().struct();
            if (value != 0) {
                t.user().read(value, block, 0, (int) length);
            }
            long pointer = value == 0 ? 0 : block.address();
            return Libc.call(Nr.SETSOCKOPT, s.hostFd(), (int) level, (int) option, pointer, (int) length);
        });
    }

    private static long getOption(Task t, long fd, long level, long option, long value, long lengthAddress, long f) {
        return onSocket(t, fd, s -> {
            int length = t.user().getInt(lengthAddress);
            if (length < 0) {
                return -Errno.EINVAL;
            }
            MemorySegment block = HostScratch.get().struct();
            MemorySegment size = HostScratch.get().waitBlock();
            size.set(ValueLayout.JAVA_INT, 0, Math.min(length, OPTION_MOST));
            long r = Libc.call(Nr.GETSOCKOPT, s.hostFd(), (int) level, (int) option, block.address(), size.address());
            if (r < 0) {
                return r;
            }
            int got = size.get(ValueLayout.JAVA_INT, 0);
            t.user().write(value, block, 0, Math.min(got, length));
            t.user().putInt(lengthAddress, got);
            return 0;
        });
    }
}
