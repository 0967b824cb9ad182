package faultline.emulator.syscall.process;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.SystemIdentity;
import faultline.emulator.task.Task;
import faultline.emulator.task.TimeValues;
import faultline.mmu.Errno;
import faultline.mmu.swap.SwapSpace;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** Calls about the machine as a whole: uname, sysinfo, getrandom. */
final class SystemCalls implements SyscallFamily {
    private static final int UNAME_FIELD = 65;
    private static final int SYSINFO_SIZE = 112;
    private static final int RANDOM_CHUNK = 4096;
    private static final int GRND_KNOWN = 7;
    private static final int GRND_RANDOM_INSECURE = 6;
    private static final long RANDOM_MOST = Integer.MAX_VALUE;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.UNAME, "uname", SystemCalls::uname);
        table.register(Nr.SYSINFO, "sysinfo", SystemCalls::sysinfo);
        table.register(Nr.GETRANDOM, "getrandom", SystemCalls::getrandom);
    }

    private static long uname(Task task, long buffer, long a1, long a2, long a3, long a4, long a5) {
        String[] fields = {
            "Linux",
            SystemIdentity.nodeName(task.kernel()),
            SystemIdentity.RELEASE,
            SystemIdentity.VERSION,
            SystemIdentity.MACHINE,
            SystemIdentity.DOMAIN
        };
        byte[] image = new byte[fields.length * UNAME_FIELD];
        for (int i = 0; i < fields.length; i++) {
            byte[] text = fields[i].getBytes(StandardCharsets.ISO_8859_1);
            System.arraycopy(text, 0, image, i * UNAME_FIELD, Math.min(text.length, UNAME_FIELD - 1));
        }
        task.user().write(buffer, image, 0, image.length);
        return 0;
    }

    private static long sysinfo(Task task, long buffer, long a1, long a2, long a3, long a4, long a5) {
        byte[] image = new byte[SYSINFO_SIZE];
        MemorySegment out = MemorySegment.ofArray(image);
        ValueLayout.OfLong word = ValueLayout.JAVA_LONG_UNALIGNED;
        out.set(word, 0, task.kernel().uptimeNanos() / TimeValues.NANOS);
        out.set(word, 32, task.kernel().memory().phys().size());
        out.set(word, 40, task.kernel().memory().phys().allocator().freeFrames() * 4096);
        SwapSpace swap = task.kernel().memory().swap();
        out.set(word, 64, swap.totalSlots() * 4096);
        out.set(word, 72, swap.freeSlots() * 4096);
        out.set(ValueLayout.JAVA_SHORT_UNALIGNED, 80, (short)
                task.kernel().tasks().size());
        out.set(ValueLayout.JAVA_INT_UNALIGNED, 104, 1);
        task.user().write(buffer, image, 0, SYSINFO_SIZE);
        return 0;
    }

    private static long getrandom(Task task, long buffer, long length, long flags, long a3, long a4, long a5) {
        if ((flags & ~GRND_KNOWN) != 0 || (flags & GRND_RANDOM_INSECURE) == GRND_RANDOM_INSECURE) {
            return -Errno.EINVAL;
        }
        long wanted = length < 0 ? RANDOM_MOST : Math.min(length, RANDOM_MOST);
        byte[] chunk = new byte[(int) Math.min(wanted, RANDOM_CHUNK)];
        MemorySegment from = MemorySegment.ofArray(chunk);
        long done = 0;
        while (done < wanted) {
            int part = (int) Math.min(wanted - done, chunk.length);
            task.kernel().random().nextBytes(chunk);
            long copied = task.user().copyOut(buffer + done, from, 0, part);
            done += copied;
            if (copied < part) {
                return done > 0 ? done : -Errno.EFAULT;
            }
            if (task.signalPending() && done < wanted) {
                return done;
            }
        }
        return done;
    }
}
