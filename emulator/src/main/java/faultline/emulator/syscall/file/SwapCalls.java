package faultline.emulator.syscall.file;

import faultline.emulator.fs.GuestSwapFile;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.Opened;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.swap.SwapArea;
import faultline.mmu.swap.SwapSpace;
import faultline.mmu.swap.Swapon;

/**
 * swapon and swapoff of regular files: the machine's own swap, never the host's. Errors in their order:
 *
 * <table>
 * <caption>swapon(2), swapoff(2)</caption>
 * <tr><th>why</th><th>swapon</th><th>swapoff</th></tr>
 * <tr><td>unknown flags</td><td>EINVAL</td><td></td></tr>
 * <tr><td>caller is not root</td><td>EPERM</td><td>EPERM</td></tr>
 * <tr><td>28 areas</td><td>EPERM</td><td></td></tr>
 * <tr><td>the path cannot be opened for reading and writing</td><td>open(2)'s</td><td>open(2)'s</td></tr>
 * <tr><td>an area already; no area</td><td>EBUSY</td><td>EINVAL</td></tr>
 * <tr><td>a device, pipe or file without blocks; holes; a header that does not fit</td><td>EINVAL</td><td></td></tr>
 * <tr><td>its pages find no room; a signal comes</td><td></td><td>ENOMEM; EINTR</td></tr>
 * </table>
 */
final class SwapCalls implements SyscallFamily {
    @Override
    public void register(SyscallTable table) {
        table.register(Nr.SWAPON, "swapon", (t, path, flags, c, d, e, f) -> swapon(t, path, (int) flags));
        table.register(Nr.SWAPOFF, "swapoff", (t, path, b, c, d, e, f) -> swapoff(t, path));
    }

    private static SwapSpace swap(Task t) {
        return t.kernel().memory().swap();
    }

    @KernelFunction(value = "sys_swapon", file = "mm/swapfile.c")
    private static long swapon(Task t, long pathAddress, int flags) {
        if (!Swapon.areValid(flags)) {
            return -Errno.EINVAL;
        }
        if (t.credentials().effective() != 0 || swap(t).areas().areFull()) {
            return -Errno.EPERM;
        }
        Opened opened = open(t, FileCall.path(t, pathAddress));
        return opened.file() == null ? opened.error() : add(t, opened.file(), flags);
    }

    /** Opens a path as both calls do; a null one was too long. */
    private static Opened open(Task t, String path) {
        return path == null
                ? Opened.failed(-Errno.ENAMETOOLONG)
                : FileCall.fs(t).open(t, null, path, OpenFlags.O_RDWR, 0);
    }

    /** Takes over the reference to the file. */
    private static long add(Task t, OpenFile file, int flags) {
        GuestSwapFile[] claimed = new GuestSwapFile[1];
        long error = GuestSwapFile.claim(file, claimed);
        if (error < 0) {
            file.put();
            return error;
        }
        GuestSwapFile area = claimed[0];
        error = t.kernel().memory().swapon().run(area, area.size(), flags);
        if (error < 0) {
            area.close();
        }
        return error;
    }

    @KernelFunction(value = "sys_swapoff", file = "mm/swapfile.c")
    private static long swapoff(Task t, long pathAddress) {
        if (t.credentials().effective() != 0) {
            return -Errno.EPERM;
        }
        String path = FileCall.path(t, pathAddress);
        Opened opened = open(t, path);
        OpenFile file = opened.file();
        SwapArea area = find(t, path, file);
        if (file != null) {
            file.put();
        }
        if (area == null) {
            return file == null ? opened.error() : -Errno.EINVAL;
        }
        t.process().setOomOrigin(true);
        try {
            return t.kernel().memory().swapoff().run(area, t::signalPending);
        } finally {
            t.process().setOomOrigin(false);
        }
    }

    /** The area in an open file; the one of {@code --swap} by its path, where there is no file. */
    private static SwapArea find(Task t, String path, OpenFile file) {
        for (SwapArea area : swap(t).areas().all()) {
            boolean found = area.store() instanceof GuestSwapFile own
                    ? file != null && own.isIn(file)
                    : file == null && area.store().path().equals(path);
            if (found) {
                return area;
            }
        }
        return null;
    }
}
