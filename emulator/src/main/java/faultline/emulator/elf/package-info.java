/**
 * Executables: parsing (ELF64 and {@code #!} scripts) and loading as fs/binfmt_elf.c does it.
 *
 * <p>The parser is our own, because a hostile file decides nothing about how much it allocates: the file header is 64
 * bytes, the program headers at most 64 KiB (Linux' own bound), an interpreter's path at most PATH_MAX. Everything a
 * file claims is checked before the first page is mapped, and what fails is an {@link
 * faultline.emulator.elf.ElfException} with the errno of execve(2).
 */
package faultline.emulator.elf;
