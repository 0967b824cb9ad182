package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Kernel;
import faultline.emulator.task.KernelClock;
import faultline.emulator.task.TimeValues;

/**
 * The System V objects of one kind in one machine. The monitor guards the objects, too; methods whose names end in
 * Locked want it held.
 */
abstract class IpcTable<T extends IpcObject> {
    final Kernel kernel;
    final IpcIds<T> ids = new IpcIds<>();

    IpcTable(Kernel kernel) {
        this.kernel = kernel;
    }

    /** The objects by id. */
    final IpcIds<T> idsLocked() {
        return ids;
    }

    /** IPC_RMID, by one who may. */
    abstract void removeLocked(T object);

    /** The time that objects note, in seconds since 1970. */
    final long nowSeconds() {
        return kernel.clock().now(KernelClock.REALTIME) / TimeValues.NANOS;
    }
}
