package faultline.emulator.syscall.file;

import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.emulator.task.Task;

/** SIGPIPE to the task that wrote where nobody reads. The host's own went to the emulator, which ignores it. */
final class BrokenPipe {
    private BrokenPipe() {}

    static void signal(Task t) {
        SignalSender.sendToTask(
                t,
                SigInfo.user(
                        Signals.SIGPIPE, SigInfo.SI_USER, t.pid(), t.kernel().uid()));
    }
}
