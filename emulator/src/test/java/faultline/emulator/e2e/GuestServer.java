package faultline.emulator.e2e;

import faultline.emulator.elf.ElfException;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.task.GuestMachine;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Timer;
import java.util.TimerTask;

/**
 * Runs guests one after another in one JVM, for the tests: starting Java for each would take longer than the guests do,
 * and a process of their own keeps the guests' standard output apart from the test runner's.
 *
 * <p>Takes {@link GuestRequest}s from the socket named by its argument; answers each with the status, or with −1 and
 * what the emulator threw, and what the audit of memory found.
 */
final class GuestServer {
    static final int FAILED = -1;
    private static final int O_RDONLY = 0;
    private static final int O_WRONLY_CREAT_TRUNC = 01 | 0100 | 01000;

    private GuestServer() {}

    public static void main(String[] args) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(args[0]));
            DataInputStream in = new DataInputStream(Channels.newInputStream(channel));
            DataOutputStream out = new DataOutputStream(Channels.newOutputStream(channel));
            while (in.readBoolean()) {
                answer(GuestRequest.receive(in), out);
            }
        }
        System.exit(0);
    }

    private static void answer(GuestRequest request, DataOutputStream out) throws IOException {
        redirect(0, request.input(), O_RDONLY);
        redirect(1, request.output(), O_WRONLY_CREAT_TRUNC);
        redirect(2, request.errors(), O_WRONLY_CREAT_TRUNC);
        int status = FAILED;
        String error = "";
        List<String> audit = List.of();
        boolean timedOut = false;
        try (GuestMachine machine = GuestMachine.boot(request.spec())) {
            Watchdog watchdog = new Watchdog(machine, request.seconds());
            try {
                status = machine.runToEnd();
            } finally {
                timedOut = watchdog.stop();
            }
            audit = machine.audit();
        } catch (ElfException e) {
            error = "ElfException: " + e.getMessage();
        } catch (RuntimeException | Error e) {
            error = e.toString();
            e.printStackTrace();
        }
        out.writeInt(status);
        out.writeUTF(error);
        out.writeBoolean(timedOut);
        out.writeUTF(String.join("; ", audit));
        out.flush();
    }

    private static void redirect(int fd, Path file, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            long opened = Libc.call(
                    Nr.OPENAT,
                    Libc.AT_FDCWD,
                    arena.allocateFrom(file.toString()).address(),
                    flags,
                    0600);
            if (opened < 0) {
                throw new IllegalStateException(file + ": errno " + -opened);
            }
            Libc.call(Nr.DUP2, opened, fd);
            Libc.call(Nr.CLOSE, opened);
        }
    }

    /** Kills a guest that takes too long. */
    private static final class Watchdog extends TimerTask {
        private static final Timer TIMER = new Timer("watchdog", true);

        private final GuestMachine machine;
        private boolean done;
        private boolean fired;

        Watchdog(GuestMachine machine, int seconds) {
            this.machine = machine;
            TIMER.schedule(this, seconds * 1000L);
        }

        @Override
        public synchronized void run() {
            if (!done) {
                fired = true;
                machine.kernel().killAll();
            }
        }

        synchronized boolean stop() {
            done = true;
            cancel();
            return fired;
        }
    }
}
