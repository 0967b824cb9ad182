/**
 * What the memory manager wants of the processors' translation caches.
 *
 * <p>The rule: a frame or page table that an entry pointed to is not freed, and an operation that takes rights away
 * does not return, before the caches were flushed. Upgrades (more rights, present where nothing was) need no flush; a
 * cached miss does not exist. A flush happens before the page-table lock of a moved entry is dropped: once it is
 * dropped another task may find the page at its new place and free it (CVE-2018-18281).
 */
package faultline.mmu.tlb;
