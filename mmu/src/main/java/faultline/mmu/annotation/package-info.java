/** Annotations that tie methods to their kernel counterparts, lock preconditions and injection points. */
package faultline.mmu.annotation;
