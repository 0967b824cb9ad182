package faultline.emulator.device;

import faultline.emulator.fs.EmulatedFile;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.mm.DeviceMapping;

/** The device, opened: it can be mapped, and nothing else. */
final class FaultDeviceFile extends EmulatedFile {
    private final FaultDevice device;
    private final DeviceMapping mapping;

    FaultDeviceFile(FaultDevice device, DeviceMapping mapping, int flags) {
        super(device.path(), flags & (OpenFlags.O_ACCMODE | OpenFlags.O_PATH) | OpenFlags.O_LARGEFILE, 0);
        this.device = device;
        this.mapping = mapping;
    }

    @Override
    public DeviceMapping device() {
        return mapping;
    }

    @Override
    public String counterpart() {
        return device.counterpart();
    }

    @Override
    protected void release() {
        device.closed();
    }
}
