/**
 * Source lines of instruction addresses: a reader of DWARF's {@code .debug_line}, versions 2 to 5 (DWARF 5 standard,
 * section 6.2). No other part of DWARF is read; the tables name their files themselves.
 *
 * <pre>
 *   DwarfReader   numbers and texts, each read within its unit
 *   LineHeader    a unit's files and how its program is encoded
 *   LineProgram   runs it: rows of address, file and line
 *   LineTable     all rows, by address → SourceLine
 * </pre>
 *
 * <p>The files come from guests, so that nothing in them is believed: every read is within its unit, every loop
 * consumes input, and rows, files and texts have a limit each. A unit that is damaged ends there; the ones before it
 * count.
 */
package faultline.plugins.dwarf;
