package faultline.emulator.fs;

/** A caller that no signal ever reaches. */
record TestCaller(int pid, int tid) implements Caller {
    @Override
    public boolean signalPending() {
        return false;
    }

    @Override
    public boolean blockInterruptibly(Runnable wait, Runnable interrupter) {
        wait.run();
        return true;
    }
}
