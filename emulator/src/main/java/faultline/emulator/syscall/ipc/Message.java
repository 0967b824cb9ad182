package faultline.emulator.syscall.ipc;

import faultline.mmu.annotation.KernelFunction;

/**
 * A message in a queue.
 *
 * @param type greater than 0
 * @param text what was sent; never changed
 */
@KernelFunction("msg_msg")
record Message(long type, byte[] text) {
    /** Bytes in guest memory in front of the text (struct msgbuf). */
    static final int TYPE_BYTES = 8;
}
