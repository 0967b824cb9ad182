package faultline.emulator.syscall.mqueue;

/**
 * A message in a queue.
 *
 * @param priority 0 to 32767, the highest comes first
 * @param text what was sent; never changed
 */
record MqueueMessage(int priority, byte[] text) {}
