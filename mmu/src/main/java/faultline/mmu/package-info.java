/** Linux's error numbers, which every layer of the memory manager returns. */
package faultline.mmu;
