package faultline.emulator.task;

import faultline.emulator.fs.FdTable;
import faultline.emulator.fs.FileSystem;
import faultline.emulator.signal.SigAction;
import faultline.emulator.signal.SignalHandlers;
import faultline.emulator.signal.Signals;
import java.util.List;

/**
 * The processes that stand for what surrounds a program on a real machine. They run nothing and have no memory; others
 * see them in /proc, may ask for their groups, policies and limits, and may signal them in vain.
 *
 * <table>
 * <caption>Who they are</caption>
 * <tr><th>process</th><th>is</th></tr>
 * <tr><td>init, 1</td><td>root's; inherits orphans, whose ends it does not wait for</td></tr>
 * <tr><td>faultline</td><td>what a shell would be: parent of the first program, and leader of its session</td></tr>
 * </table>
 */
final class StandIns {
    static final int INIT = 1;

    private final Kernel kernel;
    private final FileSystem files;
    private final Rlimits limits;

    StandIns(Kernel kernel, FileSystem files, Rlimits limits) {
        this.kernel = kernel;
        this.files = files;
        this.limits = limits;
    }

    /** Makes both. */
    void make() {
        Process init = process(INIT, "init", "/");
        init.leader().setCredentials(new Credentials(0, 0, 0, 0));
        Process launcher = process(kernel.pids().allocate(), "faultline", null);
        launcher.setParent(init);
        init.children().add(launcher);
        kernel.addStandIns(init, launcher);
    }

    /** @param cwd null for the emulator's own */
    private Process process(int pid, String name, String cwd) {
        SignalHandlers handlers = new SignalHandlers();
        handlers.set(Signals.SIGCHLD, SigAction.IGNORE);
        Process process = new Process(kernel, pid, handlers, new Rlimits(limits));
        process.group().makeUnkillable();
        process.setExec(new ExecInfo("", List.of(name), List.of(), null));
        Task task = kernel.newTask(pid, process);
        task.setName(name);
        task.setFiles(new FdTable(), files.newContext(cwd));
        kernel.onClose(task::releaseFiles);
        process.tasks().add(task);
        process.setLeader(task);
        return process;
    }
}
