package faultline.emulator.signal;

import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import java.util.Arrays;

/**
 * The descriptors that show a process' signals (signalfd(2)): told whenever signals come or go, so that poll, select
 * and epoll wake. All methods: the caller holds the handlers' monitor.
 */
public final class SignalFiles {
    private static final SignalFile[] NONE = {};

    private SignalFile[] files = NONE;

    void add(SignalFile file) {
        files = Arrays.copyOf(files, files.length + 1);
        files[files.length - 1] = file;
    }

    void remove(SignalFile file) {
        files = Arrays.stream(files).filter(other -> other != file).toArray(SignalFile[]::new);
    }

    /**
     * Signals of the process or of a task of it have come or gone.
     *
     * @param arrived one has come: pollers that wait for an edge see it, also when others are pending
     */
    void refresh(Process process, boolean arrived) {
        if (files.length == 0) {
            return;
        }
        long pending = process.group().pending().set();
        for (Task task : process.tasks()) {
            pending |= task.signals().pending().set();
        }
        for (SignalFile file : files) {
            file.show(pending, arrived);
        }
    }
}
