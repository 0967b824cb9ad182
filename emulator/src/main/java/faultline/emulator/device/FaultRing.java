package faultline.emulator.device;

import faultline.emulator.cpu.FaultListener;
import faultline.emulator.task.Task;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.kernel.Vmalloc;
import faultline.mmu.phys.PhysicalMemory;

/**
 * The page faults of all programs as records in kernel memory, which a program maps and reads without a system call.
 *
 * <p>Page 0 is the header, all numbers in the processor's order:
 *
 * <pre>
 *   offset  bytes  field
 *        0      8  magic "FLTFAULT"
 *        8      4  version, 1
 *       12      4  size of a record, 64
 *       16      8  records that the ring has room for
 *       24      8  offset of the first record, 4096
 *       32      8  head: records written since the device was opened first; written after the record
 * </pre>
 *
 * Record n is in place n modulo the room; it is overwritten by record n + room. A reader copies it, and then looks that
 * head has not come so far.
 *
 * <pre>
 *        0      8  n
 *        8      8  nanoseconds since the machine started
 *       16      8  address of the access
 *       24      8  instruction pointer
 *       32      4  process
 *       36      4  task
 *       40      4  the hardware's error code: 1 present, 2 write, 4 user, 16 instruction
 *       44      4  result: 0 minor fault, 1 major fault, 2 signal, 3 out of memory
 *       48      4  signal number, or 0
 *       52      4  what was done: the number of a FaultPath
 *       56      8  nanoseconds that it took
 * </pre>
 */
final class FaultRing implements FaultListener {
    static final int PAGES = 65;
    private static final long PAGE = 4096;
    private static final int RECORD = 64;
    private static final long ROOM = (PAGES - 1) * PAGE / RECORD;
    private static final long MAGIC = 0x544c_5541_4654_4c46L;
    private static final int HEAD = 32;

    private final PhysicalMemory memory;
    /** Physical address of each page. */
    private final long[] pages = new long[PAGES];

    private long head;

    /** A ring in what vmalloc gave: {@link #PAGES} pages. */
    FaultRing(PhysicalMemory memory, Vmalloc vmalloc, long address) {
        this.memory = memory;
        for (int i = 0; i < PAGES; i++) {
            pages[i] = vmalloc.physical(address + i * PAGE);
        }
        long header = pages[0];
        memory.putLong(header, MAGIC);
        memory.putInt(header + 8, 1);
        memory.putInt(header + 12, RECORD);
        memory.putLong(header + 16, ROOM);
        memory.putLong(header + 24, PAGE);
    }

    @Override
    public synchronized void fault(FaultContext context, int result, long nanos) {
        Task task = Task.currentOrNull();
        long at = head % ROOM * RECORD;
        long to = pages[(int) (1 + at / PAGE)] + at % PAGE;
        boolean signal = result == FaultHandler.FAULT_SIGNAL;
        memory.putLong(to, head);
        memory.putLong(to + 8, task == null ? 0 : task.kernel().uptimeNanos());
        memory.putLong(to + 16, context.address);
        memory.putLong(to + 24, context.ip);
        memory.putInt(to + 32, task == null ? 0 : task.pid());
        memory.putInt(to + 36, task == null ? 0 : task.tid());
        memory.putInt(to + 40, context.errorCode);
        memory.putInt(to + 44, signal || result == FaultHandler.FAULT_OOM ? result : context.major ? 1 : 0);
        memory.putInt(to + 48, signal ? context.siSigno : 0);
        memory.putInt(to + 52, context.path == null ? -1 : context.path.ordinal());
        memory.putLong(to + 56, nanos);
        head++;
        memory.putLongRelease(pages[0] + HEAD, head);
    }
}
