package faultline.emulator.e2e;

/**
 * How a program ended.
 *
 * @param status exit status; 128 + n when signal n killed it; −1 when it did not get that far
 * @param output what it wrote to standard output, bytes as ISO 8859-1 characters
 * @param errors what it, or the emulator, wrote to standard error
 * @param trouble what the emulator said was wrong, empty when nothing
 * @param timedOut whether it was killed for taking too long
 * @param audit what the audit of the memory manager found after its end, empty when all was well
 */
record GuestResult(int status, String output, String errors, String trouble, boolean timedOut, String audit) {}
