package faultline.mmu.bench;

import faultline.mmu.lock.LockClass;
import faultline.mmu.table.PageTables;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** How often, and how long, threads waited for page-table locks and for the mmap lock during an iteration. */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.EVENTS)
public class LockWaits {
    public long faults;
    public long pageTableWaits;
    public long pageTableWaitNanos;
    public long mmapWaits;

    private LockClass pageTable;
    private LockClass mmap;

    /** Notes where the counters of the locks stand. */
    void begin(Machine machine) {
        PageTables tables = machine.system.tables();
        pageTable = tables.pteLockptr(machine.mm, tables.walkToPmd(machine.mm.pgd(), Machine.BASE)).lockClass();
        mmap = machine.mm.mmapLock().lockClass();
        add(-1);
    }

    /** Adds what they have gained since. */
    void end(long faultsMeanwhile) {
        add(1);
        faults += faultsMeanwhile;
    }

    private void add(int sign) {
        pageTableWaits += sign * pageTable.contentions();
        pageTableWaitNanos += sign * pageTable.waitNanos();
        mmapWaits += sign * mmap.contentions();
    }
}
