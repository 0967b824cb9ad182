package faultline.emulator.task;

import faultline.emulator.fs.OpenFile;
import java.util.List;

/** Replacing the program of a running process: what the exec calls need of this package. */
public final class Programs {
    private Programs() {}

    /**
     * execve(2).
     *
     * @param base directory that a relative path starts from; null for the working directory
     * @param openFlags further flags for opening the file
     * @return -errno; on success 0, with the registers of the new program
     */
    public static long execute(
            Task task, OpenFile base, String path, List<String> argv, List<String> env, int openFlags) {
        return Exec.execve(task, base, path, argv, env, openFlags);
    }
}
