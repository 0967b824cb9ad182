/**
 * Names and source lines for guest instruction addresses, from the files of the program and its libraries.
 *
 * <pre>
 *   ModuleMap    process, address → file, offset         filled at faults, asked by the writer thread
 *   ElfSymbols   offset → function+0x1c, file.c:12       read when first asked for
 *   DebugFile    the file with what was stripped         by build id, or by link and checksum
 *   ElfSections  the sections of either file
 * </pre>
 *
 * <p>The files come from guests: nothing in them is believed, and what is damaged has no names.
 */
package faultline.plugins.symbol;
