package faultline.emulator.cli;

import java.util.List;

/** Adds subcommands to {@code faultline}; found by {@link java.util.ServiceLoader}. */
@FunctionalInterface
public interface CommandProvider {
    /** Objects annotated with {@link picocli.CommandLine.Command}, made anew at each call. */
    List<Object> commands();
}
