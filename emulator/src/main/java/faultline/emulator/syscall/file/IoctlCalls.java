package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostFile;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.syscall.userfault.UserfaultCalls;
import faultline.emulator.syscall.userfault.UserfaultFile;
import faultline.emulator.syscall.userfault.UserfaultIoctl;
import faultline.emulator.task.Task;
import faultline.emulator.task.Terminals;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;

/**
 * ioctl: requests whose argument we know pass to the host.
 *
 * <p>Old requests do not say how large their argument is: those of terminals and descriptors stand in {@link #shape}.
 * Newer ones carry direction and size in their number (asm-generic/ioctl.h). Any other request is ENOTTY, as from a
 * device that does not know it: nothing is handed to the host that it could take for an address of the emulator.
 */
final class IoctlCalls implements SyscallFamily {
    private static final int FIONBIO = 0x5421;
    private static final int FIONCLEX = 0x5450;
    private static final int FIOCLEX = 0x5451;
    private static final int FIOASYNC = 0x5452;
    private static final int TIOCSCTTY = 0x540e;
    private static final int TIOCGPGRP = 0x540f;
    private static final int TIOCSPGRP = 0x5410;
    private static final int TIOCSTI = 0x5412;
    private static final int TIOCNOTTY = 0x5422;
    private static final int TIOCGSID = 0x5429;
    private static final int TIOCCONS = 0x541d;
    private static final int FIOSETOWN = 0x8901;
    private static final int SIOCSPGRP = 0x8902;
    private static final int FIOGETOWN = 0x8903;
    private static final int SIOCGPGRP = 0x8904;
    private static final int FICLONE = 0x40049409;
    private static final int FICLONERANGE = 0x4020940d;

    private static final int NONE = 0;
    private static final int VALUE = 1 << 16;
    private static final int IN = 2 << 16;
    private static final int OUT = 4 << 16;
    private static final int UNKNOWN = -1;
    private static final int TERMIOS = 36;
    private static final int TERMIOS2 = 44;
    private static final int TERMIO = 18;
    private static final int WINSIZE = 8;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.IOCTL,
                "ioctl",
                (t, fd, request, arg, d, e, f) ->
                        FileCall.onFile(t, fd, file -> ioctl(t, (int) fd, file, (int) request, arg)));
    }

    private static long ioctl(Task t, int fd, OpenFile file, int request, long arg) {
        if ((file.statusFlags() & OpenFlags.O_PATH) != 0) {
            return -Errno.EBADF;
        }
        switch (request) {
            case FIOCLEX:
                return FileCall.files(t).setCloseOnExec(fd, true);
            case FIONCLEX:
                return FileCall.files(t).setCloseOnExec(fd, false);
            case FIONBIO:
                return setNonBlocking(t, file, arg);
            case TIOCGPGRP:
                return answer(t, arg, t.kernel().terminals().foreground(t, file));
            case TIOCGSID:
                return answer(t, arg, t.kernel().terminals().session(t, file));
            case TIOCSPGRP:
                return setTerminalGroup(t, file, arg);
            case TIOCSTI, TIOCCONS:
                return -Errno.EPERM;
            case TIOCSCTTY:
                return t.kernel().terminals().take(t, file);
            case TIOCNOTTY:
                return t.kernel().terminals().giveUp(t, file);
            case 0x5402, 0x5403, 0x5404, 0x5406, 0x5407, 0x5408, 0x5409, 0x540a, 0x540b, 0x5425: // TCSETS, …, TCSBRKP
                long stopped = t.kernel().terminals().beforeChange(t, file);
                return stopped < 0 ? stopped : file.hostFd() < 0 ? -Errno.ENOTTY : pass(t, file.hostFd(), request, arg);
            case FIOASYNC:
                return OwnerCalls.setAsync(t, fd, file, arg);
            case FIOSETOWN, SIOCSPGRP, FIOGETOWN, SIOCGPGRP:
                return socketOwner(t, file, request, arg);
            case FICLONE, FICLONERANGE:
                // They name a descriptor in their argument.
                return -Errno.ENOTTY;
            default:
                if (file instanceof UserfaultFile userfault) {
                    return UserfaultIoctl.run(t, userfault, request, arg);
                }
                if (file.path().equals(UserfaultCalls.DEVICE)) {
                    return request == UserfaultCalls.IOC_NEW ? UserfaultCalls.open(t, (int) arg) : -Errno.EINVAL;
                }
                if (file.hostFd() < 0) {
                    return -Errno.ENOTTY;
                }
                return toHost(t, file, request, arg);
        }
    }

    private static long socketOwner(Task t, OpenFile file, int request, long arg) {
        boolean socket = file instanceof HostFile host && host.type() == HostStat.S_IFSOCK;
        if (!socket) {
            return -Errno.ENOTTY;
        }
        if (request == FIOSETOWN || request == SIOCSPGRP) {
            return OwnerCalls.setOwner(t, file, t.user().getInt(arg));
        }
        t.user().putInt(arg, (int) OwnerCalls.owner(t, file));
        return 0;
    }

    private static long toHost(Task t, OpenFile file, int request, long arg) {
        if (LoopIoctls.knows(request)) {
            boolean allowed = FileCall.fs(t).root().isolation().hostAdmin();
            return allowed ? LoopIoctls.run(t, file.hostFd(), request, arg) : -Errno.EPERM;
        }
        if (request == FiemapIoctl.REQUEST) {
            return FiemapIoctl.run(t, file.hostFd(), arg);
        }
        long error = FileIoctls.refusal(t, file, request);
        return error < 0 ? error : pass(t, file.hostFd(), request, arg);
    }

    private static long setNonBlocking(Task t, OpenFile file, long arg) {
        int flags = file.statusFlags();
        int on = t.user().getInt(arg);
        return file.setStatusFlags(on != 0 ? flags | OpenFlags.O_NONBLOCK : flags & ~OpenFlags.O_NONBLOCK);
    }

    private static long answer(Task t, long arg, long id) {
        if (id < 0) {
            return id;
        }
        t.user().putInt(arg, (int) id);
        return 0;
    }

    private static long setTerminalGroup(Task t, OpenFile file, long arg) {
        Terminals terminals = t.kernel().terminals();
        if (Terminals.device(file) == 0) {
            return -Errno.ENOTTY;
        }
        return terminals.setForeground(t, file, t.user().getInt(arg));
    }

    private static long pass(Task t, int hostFd, int request, long arg) {
        int shape = shape(request);
        if (shape == UNKNOWN) {
            return -Errno.ENOTTY;
        }
        if (shape == NONE || shape == VALUE) {
            return Libc.call(Nr.IOCTL, hostFd, request & 0xffff_ffffL, shape == VALUE ? arg : 0);
        }
        int size = shape & 0xffff;
        MemorySegment block = HostScratch.get().struct();
        block.asSlice(0, size).fill((byte) 0);
        if ((shape & IN) != 0) {
            t.user().read(arg, block, 0, size);
        }
        long r = Libc.call(Nr.IOCTL, hostFd, request & 0xffff_ffffL, block.address());
        if (r >= 0 && (shape & OUT) != 0) {
            t.user().write(arg, block, 0, size);
        }
        return r;
    }

    /** How the argument of a request goes: direction bits and size in bytes. */
    private static int shape(int request) {
        return switch (request) {
            case 0x5401 -> OUT | TERMIOS; // TCGETS
            case 0x5402, 0x5403, 0x5404 -> IN | TERMIOS; // TCSETS, TCSETSW, TCSETSF
            case 0x5405 -> OUT | TERMIO; // TCGETA
            case 0x5406, 0x5407, 0x5408 -> IN | TERMIO; // TCSETA, TCSETAW, TCSETAF
            case 0x5409, 0x540a, 0x540b, 0x5425 -> VALUE; // TCSBRK, TCXONC, TCFLSH, TCSBRKP
            case 0x540c, 0x540d, 0x5427, 0x5428 -> NONE; // TIOCEXCL, TIOCNXCL, TIOCSBRK, TIOCCBRK
            case 0x5411,
                    0x5415,
                    0x5419,
                    0x541b,
                    0x5424,
                    0x545e,
                    0x5460 -> // TIOCOUTQ, TIOCMGET, TIOCGSOFTCAR, FIONREAD,
                OUT | 4; // TIOCGETD, …, FIOQSIZE's kin
            case 0x5413 -> OUT | WINSIZE; // TIOCGWINSZ
            case 0x5414 -> IN | WINSIZE; // TIOCSWINSZ
            case 0x5416, 0x5417, 0x5418, 0x541a, 0x5420, 0x5423 -> IN | 4; // TIOCMBIS, …, TIOCPKT, TIOCSETD
            case 0x541e -> OUT | 72; // TIOCGSERIAL
            case 0x8905 -> OUT | 4; // SIOCATMARK
            case 0x8906, 0x8907 -> OUT | 16; // SIOCGSTAMP, SIOCGSTAMPNS
            default -> encoded(request);
        };
    }

    /** Direction and size from the request's own number; block devices, file systems and socket timestamps. */
    private static int encoded(int request) {
        int size = request >>> 16 & 0x3fff;
        int direction = request >>> 30;
        int type = request >>> 8 & 0xff;
        boolean known = type == 'T' || type == 'f' || type == 'X' || type == 0x12 || type == 'v' || type == 0x89;
        if (!known || direction == 0 || size == 0) {
            return UNKNOWN;
        }
        if (type == 'f' && size == Long.BYTES && (request & 0xff) <= 2) {
            size = Integer.BYTES; // FS_IOC_GETFLAGS and SETFLAGS are declared long and copy an int
        }
        return ((direction & 1) != 0 ? IN : 0) | ((direction & 2) != 0 ? OUT : 0) | size;
    }
}
