package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostFile;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Adds 1 to an eventfd as the kernel itself does, for whom there is no waiting: a counter that is as high as write(2)
 * can make it goes one further, which poll(2) tells as an error.
 *
 * <p>write(2) on the host would wait then; a request of the host's own asynchronous input, for nothing, does what it
 * cannot.
 */
final class EventFdSignal {
    private static final int IOCB_BYTES = 64;
    private static final int RESFD_FLAG = 1;
    private static final String NAME = "anon_inode:[eventfd]";

    private EventFdSignal() {}

    static boolean isEventFd(OpenFile file) {
        return file instanceof HostFile host && host.type() == 0 && NAME.equals(host.path());
    }

    @KernelFunction(value = "eventfd_signal", file = "fs/eventfd.c")
    static void add(OpenFile eventFd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment context = arena.allocate(8, 8);
            MemorySegment iocb = arena.allocate(IOCB_BYTES, 8);
            MemorySegment pointer = arena.allocate(8, 8);
            long nowhere =
                    Libc.call(Nr.MEMFD_CREATE, arena.allocateFrom("nothing").address(), 0);
            iocb.set(ValueLayout.JAVA_INT, 20, (int) nowhere);
            iocb.set(ValueLayout.JAVA_INT, 56, RESFD_FLAG);
            iocb.set(ValueLayout.JAVA_INT, 60, eventFd.hostFd());
            pointer.set(ValueLayout.JAVA_LONG, 0, iocb.address());
            long error = Libc.call(Nr.IO_SETUP, 1, context.address());
            long id = context.get(ValueLayout.JAVA_LONG, 0);
            error = error < 0 ? error : Libc.call(Nr.IO_SUBMIT, id, 1, pointer.address());
            Libc.call(Nr.IO_DESTROY, id);
            Libc.call(Nr.CLOSE, nowhere);
            if (error < 0) {
                throw new IllegalStateException("the host cannot signal an eventfd: errno " + -error);
            }
        }
    }
}
