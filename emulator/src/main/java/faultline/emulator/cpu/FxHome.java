package faultline.emulator.cpu;

import faultline.emulator.unicorn.Unicorn;

/** An engine, as the place where a task's floating-point registers may be. */
interface FxHome {
    /** The lock under which registers come and go. */
    Object residency();

    /** The engine whose registers they are. */
    Unicorn unicorn();

    /** The registers are elsewhere now. Under the residency lock. */
    void forget(FxRegisters registers);
}
