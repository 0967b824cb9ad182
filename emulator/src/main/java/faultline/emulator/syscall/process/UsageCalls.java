package faultline.emulator.syscall.process;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.KernelClock;
import faultline.emulator.task.ProcessTimes;
import faultline.emulator.task.Task;
import faultline.emulator.task.TimeValues;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** getrusage(2) and times(2). */
final class UsageCalls implements SyscallFamily {
    private static final int RUSAGE_SELF = 0;
    private static final int RUSAGE_CHILDREN = -1;
    private static final int RUSAGE_THREAD = 1;
    private static final int SIZE = 144;
    private static final int PAGE_KIB = 4;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.GETRUSAGE, "getrusage", UsageCalls::getrusage);
        table.register(Nr.TIMES, "times", UsageCalls::times);
    }

    private static long getrusage(Task task, long who, long usage, long a2, long a3, long a4, long a5) {
        ProcessTimes times = task.process().times();
        byte[] image =
                switch ((int) who) {
                    case RUSAGE_SELF ->
                        image(
                                times.user(),
                                times.system(),
                                times.minorFaults(),
                                times.majorFaults(),
                                times.maxRss(),
                                times.voluntarySwitches(),
                                times.involuntarySwitches());
                    case RUSAGE_CHILDREN -> children(times);
                    case RUSAGE_THREAD ->
                        image(
                                task.times().user(),
                                task.times().system(),
                                task.fault().minFlt,
                                task.fault().majFlt,
                                times.maxRss(),
                                task.times().voluntarySwitches(),
                                task.times().involuntarySwitches());
                    default -> null;
                };
        if (image == null) {
            return -Errno.EINVAL;
        }
        task.user().write(usage, image, 0, SIZE);
        return 0;
    }

    /** What the children that were waited for have used. */
    static byte[] children(ProcessTimes times) {
        return image(
                times.childUser(),
                times.childSystem(),
                times.childMinorFaults(),
                times.childMajorFaults(),
                times.childMaxRss(),
                times.childVoluntarySwitches(),
                times.childInvoluntarySwitches());
    }

    /** What an ended process and its waited-for children have used, as wait4(2) tells it. */
    static byte[] ended(ProcessTimes times) {
        return image(
                times.user() + times.childUser(),
                times.system() + times.childSystem(),
                times.minorFaults() + times.childMinorFaults(),
                times.majorFaults() + times.childMajorFaults(),
                Math.max(times.maxRss(), times.childMaxRss()),
                times.voluntarySwitches() + times.childVoluntarySwitches(),
                times.involuntarySwitches() + times.childInvoluntarySwitches());
    }

    private static byte[] image(
            long user, long system, long minor, long major, long maxRssPages, long voluntary, long involuntary) {
        byte[] image = new byte[SIZE];
        MemorySegment out = MemorySegment.ofArray(image);
        putTimeval(out, 0, user);
        putTimeval(out, 16, system);
        out.set(ValueLayout.JAVA_LONG_UNALIGNED, 32, maxRssPages * PAGE_KIB);
        out.set(ValueLayout.JAVA_LONG_UNALIGNED, 64, minor);
        out.set(ValueLayout.JAVA_LONG_UNALIGNED, 72, major);
        out.set(ValueLayout.JAVA_LONG_UNALIGNED, 128, voluntary);
        out.set(ValueLayout.JAVA_LONG_UNALIGNED, 136, involuntary);
        return image;
    }

    private static void putTimeval(MemorySegment out, long at, long nanos) {
        out.set(ValueLayout.JAVA_LONG_UNALIGNED, at, nanos / TimeValues.NANOS);
        out.set(ValueLayout.JAVA_LONG_UNALIGNED, at + 8, nanos % TimeValues.NANOS / 1000);
    }

    private static long times(Task task, long buffer, long a1, long a2, long a3, long a4, long a5) {
        ProcessTimes times = task.process().times();
        if (buffer != 0) {
            task.user().putLong(buffer, times.userTicks());
            task.user().putLong(buffer + 8, times.systemTicks());
            task.user().putLong(buffer + 16, times.childUser() / ProcessTimes.TICK_NANOS);
            task.user().putLong(buffer + 24, times.childSystem() / ProcessTimes.TICK_NANOS);
        }
        return task.kernel().clock().now(KernelClock.MONOTONIC) / ProcessTimes.TICK_NANOS;
    }
}
