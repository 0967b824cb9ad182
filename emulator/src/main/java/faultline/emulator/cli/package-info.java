/**
 * The command line: {@code faultline run}, {@code trace}, {@code doctor}, and whatever other modules add.
 *
 * <p>The first argument that is no option is the guest's program; it and everything behind it belong to the guest and
 * reach it byte for byte, as does the environment. Exit status: the guest's own, 128 + n when signal n killed it, 125
 * for trouble of Faultline itself (bad options included), 126 for a program that cannot be executed, 127 for one that
 * is not there. Trouble is one line on standard error; the Java stack behind it shows with {@code FAULTLINE_DEBUG=1}.
 */
package faultline.emulator.cli;
