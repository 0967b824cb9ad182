package faultline.emulator.signal;

import faultline.emulator.host.AsyncSignals;
import faultline.emulator.task.Credentials;
import faultline.emulator.task.Kernel;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.mmu.annotation.KernelFunction;
import java.util.function.Consumer;

/**
 * Whom an open file signals, and how (F_SETOWN, F_SETSIG). Guarded by its monitor, which is let go before signals are
 * sent.
 */
@KernelFunction("fown_struct")
public final class FileOwner implements AsyncSignals.Listener {
    /** What an owner's id is of: a task, a process, a process group; as F_SETOWN_EX has it. */
    public enum Kind {
        TID,
        PID,
        PGRP
    }

    /**
     * One state of it.
     *
     * @param id 0 for nobody
     * @param setter who named the owner, and needs to be allowed to signal it
     * @param signal 0 for SIGIO that says nothing of the file
     * @param fd the descriptor that SIGIO tells of
     */
    private record State(Kind kind, int id, Credentials setter, int signal, int fd) {}

    private final Kernel kernel;
    private State state = new State(Kind.PID, 0, null, 0, -1);

    FileOwner(Kernel kernel) {
        this.kernel = kernel;
    }

    /** Names the owner; id 0 for nobody. */
    @KernelFunction(value = "__f_setown", file = "fs/fcntl.c")
    public synchronized void set(Kind kind, int id, Credentials setter) {
        state = new State(kind, id, setter, state.signal, state.fd);
    }

    /** Names the owner unless there is one. */
    public synchronized void setIfNobody(Kind kind, int id, Credentials setter) {
        if (state.id == 0) {
            set(kind, id, setter);
        }
    }

    public synchronized void setSignal(int signal) {
        state = new State(state.kind, state.id, state.setter, signal, state.fd);
    }

    public synchronized void setFd(int fd) {
        state = new State(state.kind, state.id, state.setter, state.signal, fd);
    }

    private synchronized State state() {
        return state;
    }

    public int signal() {
        return state().signal;
    }

    public Kind kind() {
        return state().kind;
    }

    /** The owner's id; 0 when it is gone, too. */
    @KernelFunction(value = "f_getown", file = "fs/fcntl.c")
    public int id() {
        State now = state();
        boolean[] found = new boolean[1];
        forEach(now, task -> found[0] = true);
        return found[0] ? now.id : 0;
    }

    @Override
    @KernelFunction(value = "send_sigio", file = "fs/fcntl.c")
    public void ready(int code, long band) {
        State now = state();
        SigInfo info = now.signal == 0 ? SigInfo.kernel(Signals.SIGIO) : SigInfo.poll(now.signal, code, band, now.fd);
        forEach(now, task -> {
            if (!now.setter.maySignal(task.credentials())) {
                return;
            }
            if (now.kind == Kind.TID) {
                SignalSender.sendToTask(task, info);
            } else if (!task.process().zombie()) {
                SignalSender.sendToProcess(task.process(), info);
            }
        });
    }

    /** The task, or the leaders of the processes, that are meant. */
    private void forEach(State now, Consumer<Task> body) {
        if (now.kind == Kind.TID) {
            Task task = kernel.tasks().get(now.id);
            if (task != null) {
                body.accept(task);
            }
            return;
        }
        for (Process process : kernel.processes().values()) {
            if (now.id == (now.kind == Kind.PID ? process.pid() : process.groupId())) {
                body.accept(process.leader());
            }
        }
    }
}
