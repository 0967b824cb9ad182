package faultline.emulator.core;

import faultline.emulator.fs.KernelFiles;
import faultline.emulator.fs.LastComponent;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.Opened;
import faultline.emulator.fs.PathRef;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.task.KernelClock;
import faultline.emulator.task.Process;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.emulator.task.TimeValues;
import faultline.mmu.annotation.KernelFunction;
import java.util.HashMap;
import java.util.Map;

/** Makes the file of the guest's own that a core dump goes to, named by kernel.core_pattern. */
final class CoreFile {
    private CoreFile() {}

    /**
     * A new file in place of one that has the name, with one reference for the caller; null when there cannot be one,
     * or when the pattern names a program or a socket. It is the dying task's: made with its ids, its root and its
     * working directory.
     */
    @KernelFunction(value = "coredump_file", file = "fs/coredump.c")
    static OpenFile create(Task task, SigInfo signal) {
        CoreSettings settings = task.kernel().coreSettings();
        if (settings.pattern().startsWith("|") || settings.pattern().startsWith("@")) {
            return null;
        }
        String name = CoreName.of(settings.pattern(), values(task, signal), settings.usesPid());
        remove(task, name);
        int flags = OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_WRONLY | OpenFlags.O_NOFOLLOW;
        Opened opened = task.fs().open(task, null, name, flags, 0600);
        if (opened.file() != null && opened.file().hostFd() < 0) {
            opened.file().put();
            return null;
        }
        return opened.file();
    }

    /** An earlier file goes: nobody who has it open, or a link to it, gets at this one. */
    private static void remove(Task task, String name) {
        boolean admin = task.fs().root().isolation().hostAdmin();
        try (PathRef path = task.fs().resolve(task, null, name, LastComponent.NAME)) {
            boolean allowed = path.error() == 0
                    && path.node() == null
                    && !path.readOnly()
                    && !path.isMountPoint()
                    && (admin || !KernelFiles.has(path, LastComponent.NAME));
            if (allowed) {
                // one that is not there, or cannot go: making the file says so
                Libc.call(Nr.UNLINKAT, path.dirFd(), path.pointer(), 0);
            }
        }
    }

    private static Map<Character, String> values(Task task, SigInfo signal) {
        Process process = task.process();
        String executable = process.exec().path();
        long now = task.kernel().clock().now(KernelClock.REALTIME) / TimeValues.NANOS;
        Map<Character, String> values = new HashMap<>();
        values.put('p', Integer.toString(process.pid()));
        values.put('P', Integer.toString(process.pid()));
        values.put('i', Integer.toString(task.tid()));
        values.put('I', Integer.toString(task.tid()));
        values.put('u', Long.toString(Libc.call(Nr.GETUID)));
        values.put('g', Long.toString(Libc.call(Nr.GETGID)));
        values.put('d', Integer.toString(process.dumpable()));
        values.put('s', Integer.toString(signal.signal()));
        values.put('t', Long.toString(now));
        values.put('h', task.kernel().names().host());
        values.put('e', task.name());
        values.put('f', executable.substring(executable.lastIndexOf('/') + 1));
        values.put('E', executable);
        values.put('c', Long.toUnsignedString(process.rlimits().soft(Rlimits.CORE)));
        values.put('C', "0");
        return values;
    }
}
