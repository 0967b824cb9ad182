package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Task;

/** One operation on one semaphore of a set (struct sembuf: 0 num, 2 op, 4 flg; 6 bytes). */
record SemOperation(int number, int change, int flags) {
    private static final int IPC_NOWAIT = 04000;
    private static final int SEM_UNDO = 010000;
    private static final int SIZE = 6;

    /** Reads {@code count} operations. */
    static SemOperation[] read(Task task, long address, int count) {
        SemOperation[] operations = new SemOperation[count];
        for (int i = 0; i < count; i++) {
            long at = address + (long) i * SIZE;
            operations[i] = new SemOperation(
                    Short.toUnsignedInt(task.user().getShort(at)),
                    task.user().getShort(at + 2),
                    task.user().getShort(at + 4));
        }
        return operations;
    }

    /** Whether it fails where it would have to wait. */
    boolean nowait() {
        return (flags & IPC_NOWAIT) != 0;
    }

    /** Whether it is to be taken back when the process ends. */
    boolean undo() {
        return (flags & SEM_UNDO) != 0;
    }

    boolean waitsForZero() {
        return change == 0;
    }
}
