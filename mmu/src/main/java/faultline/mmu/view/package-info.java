/**
 * Address spaces as text, in the form in which /proc/PID shows them on Linux. Looking changes nothing: no page becomes
 * accessed, no page table is added.
 */
package faultline.mmu.view;
