package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import java.lang.foreign.MemorySegment;

/**
 * What tells whether a file of the host is still as it was: whoever writes to it changes one of these.
 *
 * @param size bytes
 * @param mtime nanoseconds since 1970
 * @param ctime nanoseconds since 1970
 * @param links names that lead to the file: 0 when it is deleted
 */
record FileVersion(long size, long mtime, long ctime, long links) {
    /** Of an open file, now; null when the host does not tell. */
    static FileVersion of(int hostFd) {
        MemorySegment stat = HostScratch.get().struct();
        if (Libc.call(Nr.FSTAT, hostFd, stat.address()) < 0) {
            return null;
        }
        return new FileVersion(HostStat.size(stat), HostStat.mtime(stat), HostStat.ctime(stat), HostStat.nlink(stat));
    }
}
