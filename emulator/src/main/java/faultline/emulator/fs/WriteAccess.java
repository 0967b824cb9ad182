package faultline.emulator.fs;

import faultline.mmu.annotation.KernelFunction;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which files are written to and which are executed: never both (Linux: {@code i_writecount}, whose value this keeps by
 * inode: how many have it open for writing, or, negative, how many execute it).
 *
 * <p>The host cannot tell, for it does not execute the guest's programs. Counted is what the machine's own processes
 * do, not what others of the host do, nor the descriptors that the emulator itself has of a file. Any thread; no lock
 * needed.
 */
public final class WriteAccess {
    private final ConcurrentHashMap<InodeCache.Key, Integer> counts = new ConcurrentHashMap<>();

    /** Somebody opens the file for writing. Returns false when it is executed: ETXTBSY. */
    @KernelFunction(value = "get_write_access", file = "include/linux/fs.h")
    boolean get(InodeCache.Key inode) {
        return counts.merge(inode, 1, (count, one) -> count < 0 ? count : count + one) > 0;
    }

    /** Ends what {@link #get} allowed. */
    @KernelFunction(value = "put_write_access", file = "include/linux/fs.h")
    void put(InodeCache.Key inode) {
        counts.computeIfPresent(inode, (key, count) -> count == 1 ? null : count - 1);
    }

    /** Whether the file is executed now. */
    boolean isDenied(InodeCache.Key inode) {
        return counts.getOrDefault(inode, 0) < 0;
    }

    /**
     * Somebody is about to execute a file.
     *
     * @return what keeps others from opening it for writing until it is closed; null when somebody has it open so:
     *     ETXTBSY
     */
    @KernelFunction(value = "deny_write_access", file = "include/linux/fs.h")
    public Denial deny(OpenFile file) {
        if (!(file instanceof HostFile host)) {
            return new Denial(this, null);
        }
        boolean denied = counts.merge(host.key(), -1, (count, one) -> count > 0 ? count : count + one) < 0;
        return denied ? new Denial(this, host.key()) : null;
    }

    private void deny(InodeCache.Key inode) {
        counts.merge(inode, -1, Integer::sum);
    }

    @KernelFunction(value = "allow_write_access", file = "include/linux/fs.h")
    private void allow(InodeCache.Key inode) {
        counts.computeIfPresent(inode, (key, count) -> count == -1 ? null : count + 1);
    }

    /**
     * One use of a file as a program: an address space has one as long as it lives.
     *
     * @param inode null for a file that nobody can write to
     */
    public record Denial(WriteAccess access, InodeCache.Key inode) implements AutoCloseable {
        /** The same for one more address space (fork). */
        public Denial again() {
            if (inode != null) {
                access.deny(inode);
            }
            return this;
        }

        /** Ends one use. To be called once for {@link WriteAccess#deny} and once for each {@link #again}. */
        @Override
        public void close() {
            if (inode != null) {
                access.allow(inode);
            }
        }
    }
}
