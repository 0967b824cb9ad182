package faultline.emulator.syscall.process;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.MachineNames;
import faultline.emulator.task.SystemIdentity;
import faultline.emulator.task.Task;
import faultline.emulator.task.TimeValues;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.swap.SwapSpace;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

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
        table.register(
                Nr.SETHOSTNAME,
                "sethostname",
                (task, name, length, a2, a3, a4, a5) ->
                        setName(task, name, (int) length, task.kernel().names()::setHost));
        table.register(
                Nr.SETDOMAINNAME,
                "setdomainname",
                (task, name, length, a2, a3, a4, a5) ->
                        setName(task, name, (int) length, task.kernel().names()::setDomain));
        table.register(Nr.SYSINFO, "sysinfo", SystemCalls::sysinfo);
        table.register(Nr.GETRANDOM, "getrandom", SystemCalls::getrandom);
    }

    @KernelFunction(value = "sethostname", file = "kernel/sys.c")
    private static long setName(Task task, long address, int length, Consumer<String> setter) {
        if (task.credentials().effective() != 0) {
            return -Errno.EPERM;
        }
        if (length < 0 || length > MachineNames.MOST) {
            return -Errno.EINVAL;
        }
        byte[] name = new byte[length];
        task.user().read(address, name, 0, length);
        String text = new String(name, StandardCharsets.ISO_8859_1);
        int end = text.indexOf(0);
        setter.accept(end < 0 ? text : text.substring(0, end));
        return 0;
    }

    private static long uname(Task task, long buffer, long a1, long a2, long a3, long a4, long a5) {
        String[] fields = {
            "Linux",
            task.kernel().names().host(),
            SystemIdentity.RELEASE,
            SystemIdentity.VERSION,
            SystemIdentity.MACHINE,
            task.kernel().names().domain()
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
