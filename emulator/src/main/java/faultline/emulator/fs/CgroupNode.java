package faultline.emulator.fs;

import java.util.Collection;
import java.util.List;

/** A directory of the cgroup file system: one control group, as the hierarchy supplies it. Any thread. */
public interface CgroupNode {
    /** A file of a group. @param mode permissions */
    record Entry(String name, int mode) {}

    /** Its name in the directory above; "" for the root group. */
    String name();

    /** Its place below the root group, as /proc/PID/cgroup tells it. */
    String path();

    /** The files that it has now. */
    List<Entry> files();

    Collection<? extends CgroupNode> children();

    /** The group below of that name; null for none. */
    CgroupNode child(String name);

    /** Whether a file of that name, which the group has or had, can be read. */
    boolean isReadable(String file);

    /** What such a file says; null when the group, or what it had the file from, is gone. */
    String read(String file);

    /** Writes a whole text. @return 0 or -errno */
    long write(String file, String text);

    /** Makes a group below. @return 0 or -errno */
    long mkdir(String name);

    /** Removes the group. @return 0 or -errno */
    long rmdir();
}
