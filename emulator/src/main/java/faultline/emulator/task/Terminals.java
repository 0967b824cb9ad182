package faultline.emulator.task;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.signal.SigAction;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.Signals;
import faultline.emulator.syscall.Restart;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Which session a terminal controls and which process group is in its foreground (drivers/tty/tty_jobctrl.c).
 *
 * <p>The host knows no guest groups: to it, all of the machine is one process. What its terminal sends goes to the
 * foreground group of the guest's; who reads or changes a terminal from the background is stopped here. The line
 * discipline of a pseudo terminal that the guest itself opened is the host's, which has nobody to signal when a control
 * character is written to the master: such signals do not reach the slave's group.
 *
 * <p>Terminals are known by device number. The family lock guards them.
 */
public final class Terminals {
    private static final int TCGETS = 0x5401;
    private static final int TIOCGPTN = 0x80045430;
    private static final int TOSTOP = 0x100;
    private static final int LOCAL_FLAGS = 12;
    /** Major and minor number of /dev/tty, which stands for the caller's own. */
    private static final long DEV_TTY = 0x500;

    private static final int PTY_SLAVE_MAJOR = 136;
    private static final int TTY_FIELD = 4;

    private static final class Terminal {
        int session;
        int foreground;
    }

    private final Kernel kernel;
    private final Map<Long, Terminal> byDevice = new HashMap<>();
    private long hostDevice;

    Terminals(Kernel kernel) {
        this.kernel = kernel;
    }

    /** The first process has the terminal that the emulator was started from, if any. */
    void giveHostTerminal(Process first) {
        try {
            String stat = Files.readString(Path.of("/proc/self/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            hostDevice = Long.parseLong(fields[TTY_FIELD]);
        } catch (IOException | NumberFormatException e) {
            hostDevice = 0; // a host without /proc: as if started without a terminal
        }
        if (hostDevice != 0) {
            Terminal terminal = new Terminal();
            terminal.session = first.sessionId();
            terminal.foreground = first.groupId();
            byDevice.put(hostDevice, terminal);
        }
    }

    /** Whether the emulator was started from a terminal. */
    boolean hasHostTerminal() {
        return hostDevice != 0;
    }

    /**
     * Device number of the terminal that a file is; of the slave for a pseudo terminal's master; 0 for anything else.
     */
    public static long device(OpenFile file) {
        long known = file.terminal();
        if (known == OpenFile.TERMINAL_UNKNOWN) {
            known = file.hostFd() < 0 ? 0 : ask(file.hostFd());
            file.setTerminal(known);
        }
        return known;
    }

    private static long ask(int fd) {
        MemorySegment block = HostScratch.get().struct();
        if (Libc.call(Nr.IOCTL, fd, TCGETS, block.address()) < 0) {
            return 0;
        }
        if (Libc.call(Nr.IOCTL, fd, TIOCGPTN & 0xffff_ffffL, block.address()) == 0) {
            long minor = block.get(ValueLayout.JAVA_INT, 0);
            return minor & 0xff | PTY_SLAVE_MAJOR << 8 | (minor & ~0xffL) << 12;
        }
        return Libc.call(Nr.FSTAT, fd, block.address()) < 0 ? 0 : HostStat.rdev(block);
    }

    /** The group that keys of the host's terminal reach: the foreground, or the first process' own. */
    int hostForeground() {
        synchronized (kernel.familyLock()) {
            Terminal terminal = byDevice.get(hostDevice);
            return terminal != null && terminal.foreground != 0
                    ? terminal.foreground
                    : kernel.first().groupId();
        }
    }

    /** Device number of the terminal that controls a process' session, as /proc tells it; 0 for none. */
    public long deviceOf(Process process) {
        synchronized (kernel.familyLock()) {
            Terminal own = own(process);
            return own == null
                    ? 0
                    : byDevice.entrySet().stream()
                            .filter(entry -> entry.getValue() == own)
                            .mapToLong(Map.Entry::getKey)
                            .findFirst()
                            .orElse(0);
        }
    }

    /** The foreground group of the terminal that controls a process' session; -1 for none. */
    public int foregroundOf(Process process) {
        synchronized (kernel.familyLock()) {
            Terminal own = own(process);
            return own == null ? -1 : own.foreground;
        }
    }

    private Terminal own(Process process) {
        for (Terminal terminal : byDevice.values()) {
            if (terminal.session == process.sessionId()) {
                return terminal;
            }
        }
        return null;
    }

    /** The caller's controlling terminal, if the file is that one. Family lock held. */
    private Terminal controlling(Process process, OpenFile file) {
        long device = device(file);
        Terminal own = device == 0 ? null : own(process);
        return own != null && (device == DEV_TTY || byDevice.get(device) == own) ? own : null;
    }

    private static boolean isMaster(OpenFile file) {
        MemorySegment block = HostScratch.get().struct();
        return Libc.call(Nr.IOCTL, file.hostFd(), TIOCGPTN & 0xffff_ffffL, block.address()) == 0;
    }

    /** TIOCGPGRP: the foreground group, or -ENOTTY. A master tells of its slave, to anybody. */
    @KernelFunction(value = "tiocgpgrp", file = "drivers/tty/tty_jobctrl.c")
    public long foreground(Task task, OpenFile file) {
        long device = device(file);
        synchronized (kernel.familyLock()) {
            Terminal terminal = controlling(task.process(), file);
            if (terminal == null && device != 0 && isMaster(file)) {
                Terminal slave = byDevice.get(device);
                return slave == null ? 0 : slave.foreground;
            }
            return terminal == null ? -Errno.ENOTTY : terminal.foreground;
        }
    }

    /** TIOCGSID: the session, or -ENOTTY. */
    @KernelFunction(value = "tiocgsid", file = "drivers/tty/tty_jobctrl.c")
    public long session(Task task, OpenFile file) {
        long device = device(file);
        synchronized (kernel.familyLock()) {
            Terminal terminal = controlling(task.process(), file);
            if (terminal == null && device != 0 && isMaster(file)) {
                terminal = byDevice.get(device);
            }
            return terminal == null || terminal.session == 0 ? -Errno.ENOTTY : terminal.session;
        }
    }

    /** TIOCSPGRP. */
    @KernelFunction(value = "tiocspgrp", file = "drivers/tty/tty_jobctrl.c")
    public long setForeground(Task task, OpenFile file, int group) {
        if (device(file) == 0) {
            return -Errno.ENOTTY;
        }
        long stopped = beforeChange(task, file);
        if (stopped < 0) {
            return stopped;
        }
        synchronized (kernel.familyLock()) {
            Terminal terminal = controlling(task.process(), file);
            if (terminal == null) {
                return -Errno.ENOTTY;
            }
            if (group < 0) {
                return -Errno.EINVAL;
            }
            boolean exists = false;
            for (Process process : kernel.processes().values()) {
                if (process.groupId() == group) {
                    if (process.sessionId() != task.process().sessionId()) {
                        return -Errno.EPERM;
                    }
                    exists = true;
                }
            }
            if (!exists) {
                return -Errno.ESRCH;
            }
            terminal.foreground = group;
            return 0;
        }
    }

    /** TIOCSCTTY: a session's leader without a terminal takes one that controls no session. */
    @KernelFunction(value = "tiocsctty", file = "drivers/tty/tty_jobctrl.c")
    public long take(Task task, OpenFile file) {
        long device = device(file);
        if (device == 0) {
            return -Errno.ENOTTY;
        }
        Process process = task.process();
        synchronized (kernel.familyLock()) {
            Terminal terminal = byDevice.get(device);
            boolean leads = process.sessionId() == process.pid();
            if (leads && terminal != null && terminal.session == process.sessionId()) {
                return 0;
            }
            if (!leads || own(process) != null || terminal != null && terminal.session != 0) {
                return -Errno.EPERM;
            }
            if (terminal == null) {
                terminal = new Terminal();
                byDevice.put(device, terminal);
            }
            terminal.session = process.sessionId();
            terminal.foreground = process.groupId();
            return 0;
        }
    }

    /** A terminal was opened without O_NOCTTY: a session's leader that has none gets it. */
    public void opened(Task task, OpenFile file) {
        Process process = task.process();
        if (process.sessionId() != process.pid() || file.neverBlocks()) {
            return;
        }
        long device = device(file);
        if (device != 0 && device != DEV_TTY && !isMaster(file)) {
            take(task, file);
        }
    }

    /** TIOCNOTTY: gives the controlling terminal up; for a leader, on behalf of its session. */
    @KernelFunction(value = "disassociate_ctty", file = "drivers/tty/tty_jobctrl.c")
    public long giveUp(Task task, OpenFile file) {
        synchronized (kernel.familyLock()) {
            if (controlling(task.process(), file) == null) {
                return -Errno.ENOTTY;
            }
        }
        if (task.process().sessionId() == task.process().pid()) {
            sessionEnds(task.process());
        }
        return 0;
    }

    /** A session's leader ends, or gives its terminal up: the foreground group is hung up. */
    void sessionEnds(Process leader) {
        int group;
        synchronized (kernel.familyLock()) {
            Terminal terminal = leader.sessionId() == leader.pid() ? own(leader) : null;
            if (terminal == null) {
                return;
            }
            group = terminal.foreground;
            terminal.session = 0;
            terminal.foreground = 0;
        }
        if (group != 0) {
            kernel.signalGroup(group, SigInfo.kernel(Signals.SIGHUP), leader);
            kernel.signalGroup(group, SigInfo.kernel(Signals.SIGCONT), leader);
        }
    }

    /** Before reading from a terminal: 0, or what a reader in the background gets, who is stopped by SIGTTIN. */
    @KernelFunction(value = "job_control", file = "drivers/tty/n_tty.c")
    public long beforeRead(Task task, OpenFile file) {
        if (device(file) == 0 || !inBackground(task.process(), file)) {
            return 0;
        }
        if (task.process().isOrphaned() || cannotGet(task, Signals.SIGTTIN)) {
            return -Errno.EIO;
        }
        kernel.signalGroup(task.process().groupId(), SigInfo.kernel(Signals.SIGTTIN), null);
        return -Restart.ERESTARTSYS;
    }

    /** Before writing to a terminal, which only counts as a change with TOSTOP. */
    public long beforeWrite(Task task, OpenFile file) {
        if (device(file) == 0 || !inBackground(task.process(), file)) {
            return 0;
        }
        MemorySegment block = HostScratch.get().struct();
        boolean stops = Libc.call(Nr.IOCTL, file.hostFd(), TCGETS, block.address()) == 0
                && (block.get(ValueLayout.JAVA_INT, LOCAL_FLAGS) & TOSTOP) != 0;
        return stops ? beforeChange(task, file) : 0;
    }

    /** Before changing a terminal's settings: 0, or what a caller in the background gets, who is stopped by SIGTTOU. */
    @KernelFunction(value = "__tty_check_change", file = "drivers/tty/tty_jobctrl.c")
    public long beforeChange(Task task, OpenFile file) {
        if (device(file) == 0 || !inBackground(task.process(), file) || cannotGet(task, Signals.SIGTTOU)) {
            return 0;
        }
        if (task.process().isOrphaned()) {
            return -Errno.EIO;
        }
        kernel.signalGroup(task.process().groupId(), SigInfo.kernel(Signals.SIGTTOU), null);
        return -Restart.ERESTARTSYS;
    }

    private boolean inBackground(Process process, OpenFile file) {
        synchronized (kernel.familyLock()) {
            Terminal terminal = controlling(process, file);
            return terminal != null
                    && terminal.foreground != 0
                    && terminal.foreground != process.groupId()
                    && !isMaster(file);
        }
    }

    private static boolean cannotGet(Task task, int signal) {
        synchronized (task.process().handlers()) {
            return (task.signals().blocked() & Signals.mask(signal)) != 0
                    || task.process().handlers().get(signal).handler() == SigAction.SIG_IGN;
        }
    }
}
