package faultline.emulator.cli;

import faultline.emulator.elf.ElfException;
import faultline.emulator.task.GuestMachine;
import faultline.emulator.task.GuestSpec;
import faultline.mmu.Errno;
import java.util.function.Consumer;

/** Runs a guest for a command: what goes wrong before it starts becomes an exit status and a line. */
public final class GuestRunner {
    private GuestRunner() {}

    /** Runs a guest to its end and returns its exit status. */
    public static int run(GuestSpec spec) {
        return run(spec, machine -> {}, machine -> {});
    }

    /**
     * Runs a guest to its end.
     *
     * @param before gets the machine once the program is loaded, before its first instruction
     * @param after gets the machine when the last task has ended
     * @return the guest's exit status; 128 + n when signal n killed it
     * @throws CommandException when the program cannot be started
     */
    public static int run(GuestSpec spec, Consumer<GuestMachine> before, Consumer<GuestMachine> after) {
        try (GuestMachine machine = GuestMachine.boot(spec)) {
            before.accept(machine);
            int status = machine.runToEnd();
            after.accept(machine);
            return status;
        } catch (ElfException e) {
            String message = ProgramSearch.shown(spec.program()) + ": " + e.getMessage();
            throw new CommandException(status(e.errno()), message, e);
        }
    }

    /** As shells do it: 127 when there is no such file, 126 when it cannot be executed. */
    private static int status(int errno) {
        return errno == Errno.ENOENT || errno == Errno.ENOTDIR ? ExitStatus.NOT_FOUND : ExitStatus.NOT_EXECUTABLE;
    }
}
