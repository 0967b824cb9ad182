package faultline.emulator.syscall.file;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.signal.FileOwner;
import faultline.emulator.signal.Signals;
import faultline.emulator.task.Kernel;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The part of fcntl(2) and ioctl(2) that is about whom a file signals: owner and signal are the machine's own, what
 * happens to the file the host tells ({@link faultline.emulator.host.AsyncSignals}).
 */
final class OwnerCalls {
    static final int F_SETOWN = 8;
    static final int F_GETOWN = 9;
    static final int F_SETSIG = 10;
    static final int F_GETSIG = 11;
    static final int F_SETOWN_EX = 15;
    static final int F_GETOWN_EX = 16;
    static final int F_SETLEASE = 1024;
    static final int F_NOTIFY = 1026;
    private static final int FIOASYNC = 0x5452;

    private OwnerCalls() {}

    /** Runs one of the commands above. */
    static long run(Task t, int fd, OpenFile file, int command, long arg) {
        if ((file.statusFlags() & OpenFlags.O_PATH) != 0) {
            return -Errno.EBADF;
        }
        return switch (command) {
            case F_SETOWN -> setOwner(t, file, (int) arg);
            case F_GETOWN -> owner(t, file);
            case F_SETSIG -> setSignal(t, file, arg);
            case F_GETSIG -> {
                FileOwner owner = t.kernel().fileOwners().find(file);
                yield owner == null ? 0 : owner.signal();
            }
            case F_SETOWN_EX -> setOwner(t, file, t.user().getInt(arg), t.user().getInt(arg + 4));
            case F_GETOWN_EX -> {
                FileOwner owner = t.kernel().fileOwners().find(file);
                t.user().putInt(arg, (owner == null ? FileOwner.Kind.TID : owner.kind()).ordinal());
                t.user().putInt(arg + 4, owner == null ? 0 : owner.id());
                yield 0;
            }
            default -> watch(t, fd, file, command, arg);
        };
    }

    /** F_SETOWN, FIOSETOWN and SIOCSPGRP: a negative id is a process group's. */
    @KernelFunction(value = "f_setown", file = "fs/fcntl.c")
    static long setOwner(Task t, OpenFile file, int who) {
        if (who == Integer.MIN_VALUE) {
            return -Errno.EINVAL;
        }
        FileOwner.Kind kind = who < 0 ? FileOwner.Kind.PGRP : FileOwner.Kind.PID;
        return setOwner(t, file, kind.ordinal(), Math.abs(who));
    }

    @KernelFunction(value = "f_setown_ex", file = "fs/fcntl.c")
    private static long setOwner(Task t, OpenFile file, int type, int id) {
        FileOwner.Kind[] kinds = FileOwner.Kind.values();
        if (type < 0 || type >= kinds.length) {
            return -Errno.EINVAL;
        }
        if (id != 0 && !isKnown(t.kernel(), id)) {
            return -Errno.ESRCH;
        }
        t.kernel().fileOwners().of(file).set(kinds[type], id, t.credentials());
        return 0;
    }

    @KernelFunction(value = "find_vpid", file = "kernel/pid.c")
    private static boolean isKnown(Kernel kernel, int id) {
        return kernel.tasks().containsKey(id)
                || kernel.processes().values().stream()
                        .anyMatch(p -> p.pid() == id || p.groupId() == id || p.sessionId() == id);
    }

    /** F_GETOWN, FIOGETOWN and SIOCGPGRP. */
    static long owner(Task t, OpenFile file) {
        FileOwner owner = t.kernel().fileOwners().find(file);
        if (owner == null) {
            return 0;
        }
        return owner.kind() == FileOwner.Kind.PGRP ? -owner.id() : owner.id();
    }

    private static long setSignal(Task t, OpenFile file, long signal) {
        if (signal < 0 || signal > Signals.MAX) {
            return -Errno.EINVAL;
        }
        t.kernel().fileOwners().of(file).setSignal((int) signal);
        return 0;
    }

    /** The file is about to be told to signal whom it belongs to, or no longer to: O_ASYNC has changed. */
    static void beforeAsync(Task t, int fd, OpenFile file, boolean on) {
        if (on && file.hostFd() >= 0 && (file.statusFlags() & OpenFlags.O_ASYNC) == 0) {
            t.kernel().fileOwners().of(file).setFd(fd);
        }
    }

    /** FIOASYNC. */
    static long setAsync(Task t, int fd, OpenFile file, long arg) {
        boolean on = t.user().getInt(arg) != 0;
        if (on == ((file.statusFlags() & OpenFlags.O_ASYNC) != 0)) {
            return 0;
        }
        if (file.hostFd() < 0) {
            return -Errno.ENOTTY;
        }
        beforeAsync(t, fd, file, on);
        MemorySegment flag = HostScratch.get().struct();
        flag.set(ValueLayout.JAVA_INT, 0, on ? 1 : 0);
        return Libc.call(Nr.IOCTL, file.hostFd(), FIOASYNC, flag.address());
    }

    /** F_SETLEASE and F_NOTIFY make the caller the owner of a file that has none. */
    private static long watch(Task t, int fd, OpenFile file, int command, long arg) {
        if (file.hostFd() < 0) {
            return command == F_NOTIFY ? -Errno.ENOTDIR : -Errno.EINVAL;
        }
        FileOwner owner = t.kernel().fileOwners().of(file);
        owner.setFd(fd);
        long result = Libc.call(Nr.FCNTL, file.hostFd(), command, arg);
        if (result == 0) {
            owner.setIfNobody(FileOwner.Kind.PID, t.pid(), t.credentials());
        }
        return result;
    }
}
