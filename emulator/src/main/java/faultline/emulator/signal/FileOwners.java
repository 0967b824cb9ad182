package faultline.emulator.signal;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.AsyncSignals;
import faultline.emulator.task.Kernel;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The owners of open files that have one. Any thread. */
public final class FileOwners {
    private final Kernel kernel;
    private final Map<OpenFile, FileOwner> owners = new ConcurrentHashMap<>();

    public FileOwners(Kernel kernel) {
        this.kernel = kernel;
    }

    /** What is known of a file; null when it never had an owner. */
    public FileOwner find(OpenFile file) {
        return owners.get(file);
    }

    /** As {@link #find}, made when it is not there. The caller holds a reference to the file. */
    public FileOwner of(OpenFile file) {
        return owners.computeIfAbsent(file, this::make);
    }

    private FileOwner make(OpenFile file) {
        FileOwner owner = new FileOwner(kernel);
        int fd = file.hostFd();
        if (fd >= 0) {
            AsyncSignals.listen(fd, owner);
        }
        file.onRelease(() -> {
            owners.remove(file);
            if (fd >= 0) {
                AsyncSignals.forget(fd);
            }
        });
        return owner;
    }
}
