/**
 * Failures on purpose: the points marked {@code @Injectable}, Linux' knobs for each, and the report afterwards.
 *
 * <pre>
 *   mm/pte_alloc:nth=3                          the third call fails, and no other
 *   mm/page/alloc:nth=5,times=-1                from the fifth call on, all fail
 *   mm/*:probability=2,space=65536,task=worker  2 % of the calls of that task, once 64 KiB have been given out
 *   sys/mmap:nth=1,errno=EAGAIN                 the first mmap system call answers EAGAIN without being run
 *   mm/page/alloc:caller=do_anonymous_page,vma=[heap],syscall=none
 * </pre>
 *
 * <p>A hit is a call of a matching point that passes the filters (task, system call, caller, address, VMA, order). Then
 * the knobs decide as {@code should_fail_ex()} of Linux' lib/fault-inject.c does, in its order: {@code nth}, {@code
 * times}, {@code space}, {@code interval}, {@code probability}. Random numbers come from the seed and the hit's number
 * alone, never from a clock.
 */
package faultline.plugins.inject;
