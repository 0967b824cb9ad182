package faultline.emulator.cpu;

import faultline.emulator.unicorn.HostMemory;
import faultline.emulator.unicorn.RegisterBatch;
import faultline.emulator.unicorn.Unicorn;

/**
 * The integer registers of one engine, read and written where Unicorn keeps them.
 *
 * <p>A batch of 20 through Unicorn's own call costs about 90 ns, twice a third of a short system call; the loads and
 * stores that it makes cost a tenth. {@link RegisterPlaces} says where they go. RFLAGS is not kept but computed, and
 * the bases of FS and GS have effects beside their value: these go through Unicorn. Where the places are unknown, all
 * of them do.
 *
 * <p>Used while the engine does not run, by the thread that runs it.
 */
final class RegisterFile {
    private static final int SPECIAL = 1 << CpuState.RFLAGS | 1 << CpuState.FS_BASE | 1 << CpuState.GS_BASE;

    private final Unicorn unicorn;
    /** Host address of RAX; 0 when unknown. */
    private final long integers;

    private final long rip;
    private final long fsBase;
    private final long gsBase;

    /** Of an engine that has been used already, as by setting a register: before that there are none. */
    RegisterFile(Unicorn unicorn, RegisterPlaces places) {
        this.unicorn = unicorn;
        if (places == null || HostMemory.getLong(unicorn.handle() + places.cpuPointer()) == 0) {
            integers = 0;
            rip = 0;
            fsBase = 0;
            gsBase = 0;
            return;
        }
        long cpu = HostMemory.getLong(unicorn.handle() + places.cpuPointer());
        integers = cpu + places.rax();
        rip = cpu + places.rip();
        fsBase = cpu + places.fsBase();
        gsBase = cpu + places.gsBase();
    }

    /** Reads all registers of {@link CpuState} into their slots of the batch. */
    void read(RegisterBatch to) {
        if (integers == 0) {
            to.read(unicorn);
            return;
        }
        for (int i = CpuState.RAX; i <= CpuState.R15; i++) {
            to.set(i, HostMemory.getLong(integers + (long) i * Long.BYTES));
        }
        to.set(CpuState.RIP, HostMemory.getLong(rip));
        to.set(CpuState.RFLAGS, unicorn.readRegister(CpuState.unicornNumber(CpuState.RFLAGS)));
        to.set(CpuState.FS_BASE, HostMemory.getLong(fsBase));
        to.set(CpuState.GS_BASE, HostMemory.getLong(gsBase));
    }

    /** Writes the registers whose bit is set. */
    void write(RegisterBatch from, int mask) {
        if (integers == 0) {
            from.write(unicorn, mask);
            return;
        }
        for (int rest = mask & (1 << CpuState.RIP) - 1; rest != 0; rest &= rest - 1) {
            int register = Integer.numberOfTrailingZeros(rest);
            HostMemory.putLong(integers + (long) register * Long.BYTES, from.get(register));
        }
        if ((mask & 1 << CpuState.RIP) != 0) {
            HostMemory.putLong(rip, from.get(CpuState.RIP)); // a run that is stopped before it starts ends there
        }
        if ((mask & SPECIAL) != 0) {
            from.write(unicorn, mask & SPECIAL);
        }
    }
}
