package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostWait;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.AsyncSignals;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * sendto, recvfrom, sendmsg, recvmsg, sendmmsg and recvmmsg: all become sendmsg or recvmsg of the host with one buffer.
 *
 * <pre>
 *   struct msghdr   0 name   8 namelen (int)   16 iov   24 iovlen   32 control   40 controllen   48 flags (int)   size 56
 *   struct mmsghdr  a msghdr, 56 length (int), size 64
 * </pre>
 */
final class MessageCalls implements SyscallFamily {
    private static final int MSGHDR = 56;
    private static final int MMSGHDR = 64;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_WAITALL = 0x100;
    private static final int MSG_WAITFORONE = 0x10000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;
    private static final int MSG_PEEK = 2;
    private static final int MSG_TRUNC = 0x20;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.SENDTO,
                "sendto",
                (t, fd, buf, n, flags, address, length) -> SocketCalls.onSocket(
                        t,
                        fd,
                        s -> send(
                                t,
                                s,
                                new long[] {buf, Math.min(n & Long.MAX_VALUE, ReadWriteCalls.MAX_COUNT)},
                                address,
                                length,
                                null,
                                (int) flags)));
        table.register(Nr.RECVFROM, "recvfrom", MessageCalls::recvfrom);
        table.register(
                Nr.SENDMSG,
                "sendmsg",
                (t, fd, msg, flags, d, e, f) -> SocketCalls.onSocket(t, fd, s -> sendmsg(t, s, msg, (int) flags)));
        table.register(
                Nr.RECVMSG,
                "recvmsg",
                (t, fd, msg, flags, d, e, f) -> SocketCalls.onSocket(t, fd, s -> recvmsg(t, s, msg, (int) flags)));
        table.register(
                Nr.SENDMMSG,
                "sendmmsg",
                (t, fd, vector, n, flags, e, f) ->
                        SocketCalls.onSocket(t, fd, s -> many(t, s, vector, (int) n, (int) flags, true)));
        table.register(
                Nr.RECVMMSG,
                "recvmmsg",
                (t, fd, vector, n, flags, timeout, f) -> timeout != 0
                        ? -Errno.EOPNOTSUPP
                        : SocketCalls.onSocket(t, fd, s -> many(t, s, vector, (int) n, (int) flags, false)));
    }

    private static long many(Task t, OpenFile socket, long vector, int count, int flags, boolean send) {
        int done = 0;
        for (; done < Math.min(count, IoVector.MAX); done++) {
            long msg = vector + (long) done * MMSGHDR;
            int how = !send && done > 0 && (flags & MSG_WAITFORONE) != 0 ? flags | SocketCalls.MSG_DONTWAIT : flags;
            long n = send ? sendmsg(t, socket, msg, how) : recvmsg(t, socket, msg, how & ~MSG_WAITFORONE);
            if (n < 0) {
                return done > 0 ? done : n;
            }
            t.user().putInt(msg + MSGHDR, (int) n);
        }
        return done;
    }

    private static long[] vector(Task t, long msg) {
        long count = t.user().getLong(msg + 24);
        if (count < 0 || count > IoVector.MAX) {
            return null;
        }
        return new long[(int) count * 2];
    }

    private static long sendmsg(Task t, OpenFile socket, long msg, int flags) {
        long[] iov = vector(t, msg);
        if (iov == null) {
            return -Errno.EMSGSIZE;
        }
        long error = IoVector.read(t, t.user().getLong(msg + 16), iov);
        if (error < 0) {
            return error;
        }
        long controlLength = t.user().getLong(msg + 40);
        if (controlLength < 0 || controlLength > ControlMessages.MOST) {
            return -Errno.ENOBUFS;
        }
        long name = t.user().getLong(msg);
        int nameLength = t.user().getInt(msg + 8);
        if (controlLength == 0) {
            return send(t, socket, iov, name, name == 0 ? 0 : nameLength, null, flags);
        }
        try (ControlMessages control = ControlMessages.toHost(t, t.user().getLong(msg + 32), (int) controlLength)) {
            return control.error() < 0
                    ? control.error()
                    : send(t, socket, iov, name, name == 0 ? 0 : nameLength, control, flags);
        }
    }

    private static long send(
            Task t, OpenFile socket, long[] iov, long name, long nameLength, ControlMessages control, int flags) {
        long total = IoVector.total(iov);
        if (name != 0) {
            return SocketAddress.with(
                    t,
                    name,
                    nameLength,
                    false,
                    (address, length) -> sendAll(t, socket, iov, total, address, length, control, flags));
        }
        return sendAll(t, socket, iov, total, 0, 0, control, flags);
    }

    private static long sendAll(
            Task t,
            OpenFile socket,
            long[] iov,
            long total,
            long address,
            long addressLength,
            ControlMessages control,
            int flags) {
        try (Arena arena = Arena.ofConfined()) {
            // A datagram is sent whole; longer ones than any protocol takes are the host's to refuse.
            MemorySegment buffer =
                    total <= HostScratch.MAX_BOUNCE ? HostScratch.get().bounce(total) : arena.allocate(total);
            if (IoVector.copyIn(t, iov, buffer, total) != total) {
                return -Errno.EFAULT;
            }
            MemorySegment header = header(arena, buffer.address(), total, address, addressLength);
            if (control != null) {
                header.set(ValueLayout.JAVA_LONG, 32, control.block().address());
                header.set(ValueLayout.JAVA_LONG, 40, control.length());
            }
            long r = sendLoop(t, socket, header, total, flags);
            AsyncSignals.settle();
            return r == -Errno.EPIPE && (flags & MSG_NOSIGNAL) == 0 ? UserWrite.finish(t, r) : r;
        }
    }

    private static long sendLoop(Task t, OpenFile socket, MemorySegment header, long total, int flags) {
        long done = 0;
        while (true) {
            long n = Libc.call(
                    Nr.SENDMSG, socket.hostFd(), header.address(), flags | SocketCalls.MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n >= 0) {
                done += n;
                if (done >= total) {
                    return done;
                }
                // A stream took a part: the rest follows, without the control data that went with the first byte.
                MemorySegment iov = iovOf(header);
                iov.set(ValueLayout.JAVA_LONG, 0, iov.get(ValueLayout.JAVA_LONG, 0) + n);
                iov.set(ValueLayout.JAVA_LONG, 8, total - done);
                header.set(ValueLayout.JAVA_LONG, 40, 0);
            } else if (n != -Errno.EAGAIN) {
                return done > 0 ? done : n;
            }
            if ((flags & SocketCalls.MSG_DONTWAIT) != 0 || SocketCalls.nonBlocking(socket)) {
                return done > 0 ? done : n;
            }
            long ready = HostWait.until(t, socket.hostFd(), HostWait.POLLOUT);
            if (ready < 0) {
                return done > 0 ? done : ready;
            }
        }
    }

    /** A host msghdr with one iovec behind it, in {@code arena}. */
    private static MemorySegment header(Arena arena, long buffer, long length, long address, long addressLength) {
        MemorySegment header = arena.allocate(MSGHDR + 16, 8);
        header.set(ValueLayout.JAVA_LONG, 0, address);
        header.set(ValueLayout.JAVA_INT, 8, (int) addressLength);
        header.set(ValueLayout.JAVA_LONG, 16, header.address() + MSGHDR);
        header.set(ValueLayout.JAVA_LONG, 24, 1);
        header.set(ValueLayout.JAVA_LONG, MSGHDR, buffer);
        header.set(ValueLayout.JAVA_LONG, MSGHDR + 8, length);
        return header;
    }

    private static MemorySegment iovOf(MemorySegment header) {
        return header.asSlice(MSGHDR, 16);
    }

    private static long recvfrom(Task t, long fd, long buf, long n, long flags, long address, long lengthAddress) {
        return SocketCalls.onSocket(t, fd, s -> {
            long[] iov = {buf, Math.min(n & Long.MAX_VALUE, ReadWriteCalls.MAX_COUNT)};
            try (Arena arena = Arena.ofConfined()) {
                Received got = receive(t, arena, s, iov, 0, (int) flags);
                if (got.result < 0) {
                    return got.result;
                }
                if (address != 0) {
                    long r = SocketAddress.give(t, got.name(), address, lengthAddress);
                    return r < 0 ? r : got.result;
                }
                return got.result;
            }
        });
    }

    private static long recvmsg(Task t, OpenFile socket, long msg, int flags) {
        long[] iov = vector(t, msg);
        if (iov == null) {
            return -Errno.EMSGSIZE;
        }
        long error = IoVector.read(t, t.user().getLong(msg + 16), iov);
        if (error < 0) {
            return error;
        }
        long controlRoom = Math.min(t.user().getLong(msg + 40), ControlMessages.MOST);
        try (Arena arena = Arena.ofConfined()) {
            Received got = receive(t, arena, socket, iov, Math.max(0, controlRoom), flags);
            if (got.result < 0) {
                return got.result;
            }
            long name = t.user().getLong(msg);
            if (name != 0) {
                SocketAddress.giveInto(t, got.name(), name, t.user().getInt(msg + 8), msg + 8);
            }
            long control = t.user().getLong(msg + 32);
            long given = got.giveControl(t, control, (flags & MSG_CMSG_CLOEXEC) != 0);
            t.user().putLong(msg + 40, given);
            t.user().putInt(msg + 48, got.header.get(ValueLayout.JAVA_INT, 48) & ~MSG_CMSG_CLOEXEC);
            return got.result;
        }
    }

    /** One message as the host delivered it. */
    private record Received(long result, MemorySegment header, MemorySegment address, MemorySegment control) {
        byte[] name() {
            int length = Math.min(header.get(ValueLayout.JAVA_INT, 8), SocketAddress.MOST);
            return address.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        }

        long giveControl(Task t, long to, boolean cloexec) {
            return ControlMessages.toGuest(t, control, header.get(ValueLayout.JAVA_LONG, 40), to, cloexec);
        }
    }

    private static Received receive(Task t, Arena arena, OpenFile socket, long[] iov, long controlRoom, int flags) {
        long total = Math.min(IoVector.total(iov), HostScratch.MAX_BOUNCE);
        MemorySegment buffer = HostScratch.get().bounce(total);
        MemorySegment address = arena.allocate(SocketAddress.MOST, 8);
        MemorySegment control = arena.allocate(Math.max(controlRoom, 1), 8);
        if (total > 0 && ReadRoom.writable(t, iov) == 0) {
            return new Received(-Errno.EFAULT, null, null, null);
        }
        boolean all = (flags & MSG_WAITALL) != 0 && (flags & MSG_PEEK) == 0;
        long done = 0;
        while (true) {
            MemorySegment header =
                    header(arena, buffer.address() + done, total - done, address.address(), SocketAddress.MOST);
            header.set(ValueLayout.JAVA_LONG, 32, control.address());
            header.set(ValueLayout.JAVA_LONG, 40, controlRoom);
            int how = flags & ~MSG_WAITALL | SocketCalls.MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
            long n = Libc.call(Nr.RECVMSG, socket.hostFd(), header.address(), how);
            boolean mayWait = (flags & SocketCalls.MSG_DONTWAIT) == 0 && !SocketCalls.nonBlocking(socket);
            if (n == -Errno.EAGAIN && mayWait || n > 0 && all && done + n < total && mayWait) {
                done += Math.max(n, 0);
                long ready = HostWait.until(t, socket.hostFd(), HostWait.POLLIN);
                if (ready < 0) {
                    return finish(t, done > 0 ? done : ready, done, buffer, iov, header, address, control);
                }
                continue;
            }
            long result = n < 0 ? done > 0 ? done : n : done + n;
            long inBuffer = Math.min(Math.max(result, 0), total);
            return finish(
                    t,
                    result,
                    (flags & MSG_TRUNC) != 0 ? inBuffer : Math.max(result, 0),
                    buffer,
                    iov,
                    header,
                    address,
                    control);
        }
    }

    private static Received finish(
            Task t,
            long result,
            long bytes,
            MemorySegment buffer,
            long[] iov,
            MemorySegment header,
            MemorySegment address,
            MemorySegment control) {
        if (bytes > 0 && IoVector.copyOut(t, iov, buffer, bytes) != bytes) {
            return new Received(-Errno.EFAULT, header, address, control);
        }
        return new Received(result, header, address, control);
    }
}
