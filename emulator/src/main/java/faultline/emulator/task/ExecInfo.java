package faultline.emulator.task;

import faultline.emulator.elf.AuxVector;
import java.util.List;

/**
 * What a process executes, as /proc shows it.
 *
 * @param path the executable's absolute path in the guest
 * @param argv the arguments as they were given
 * @param env the environment as it was given
 * @param auxv null before the first execve
 */
public record ExecInfo(String path, List<String> argv, List<String> env, AuxVector auxv) {
    static final ExecInfo NONE = new ExecInfo("", List.of(), List.of(), null);
}
