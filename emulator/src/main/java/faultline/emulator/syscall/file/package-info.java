/**
 * System calls on files, a class a theme. {@link faultline.emulator.syscall.file.FileSystemCalls} registers them all.
 *
 * <p>Most calls have one shape: find the open file or resolve the path ({@link faultline.emulator.fs.PathRef}), copy
 * arguments in, make the same call on the host, copy results out. Structures are the host's, byte for byte. Order of
 * errors is Linux's where a program can see it: a bad descriptor comes before a bad address.
 */
package faultline.emulator.syscall.file;
