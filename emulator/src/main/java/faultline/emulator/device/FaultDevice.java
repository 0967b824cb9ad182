package faultline.emulator.device;

import faultline.emulator.cpu.CpuPool;
import faultline.emulator.cpu.FaultListener;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.Opened;
import faultline.emulator.fs.VirtualNode;
import faultline.emulator.task.Kernel;
import faultline.mmu.Errno;
import faultline.mmu.kernel.Vmalloc;
import faultline.mmu.kernel.VmallocMapping;
import faultline.mmu.mm.DeviceMapping;

/**
 * /dev/faultline: programs map it, shared, and find their page faults in it as they happen; see {@link FaultRing}.
 *
 * <p>The memory is taken when the device is opened first, and stays until the machine ends, since areas may show it
 * after the last descriptor is closed. Faults are recorded while it is open; nobody pays for it else.
 */
public final class FaultDevice extends VirtualNode {
    static final String PATH = "/dev/faultline";
    /** What stat(2) tells: a character device. */
    private static final String LOOKS_LIKE = "/dev/zero";

    private final Kernel kernel;
    /** Guarded by this. */
    private FaultRing ring;

    private DeviceMapping mapping;
    private int openFiles;
    private FaultListener before;

    public FaultDevice(Kernel kernel) {
        super(PATH, LOOKS_LIKE);
        this.kernel = kernel;
    }

    @Override
    public boolean mayWrite() {
        return true;
    }

    @Override
    public synchronized Opened open(int flags) {
        if (ring == null && !makeRing()) {
            return Opened.failed(-Errno.ENOMEM);
        }
        if (openFiles++ == 0) {
            record();
        }
        OpenFile file = new FaultDeviceFile(this, mapping, flags);
        return Opened.of(file);
    }

    private boolean makeRing() {
        Vmalloc vmalloc = kernel.memory().vmalloc();
        long address = vmalloc.vmalloc(FaultRing.PAGES * 4096L);
        if (address == 0) {
            return false;
        }
        ring = new FaultRing(kernel.memory().phys(), vmalloc, address);
        mapping = VmallocMapping.device(vmalloc, address, PATH);
        kernel.onClose(() -> vmalloc.vfree(address));
        return true;
    }

    private void record() {
        CpuPool pool = kernel.pool();
        FaultListener other = pool.faultListener();
        before = other;
        pool.setFaultListener(
                other == null
                        ? ring
                        : (context, result, nanos) -> {
                            other.fault(context, result, nanos);
                            ring.fault(context, result, nanos);
                        });
    }

    synchronized void closed() {
        if (--openFiles == 0) {
            kernel.pool().setFaultListener(before);
        }
    }
}
