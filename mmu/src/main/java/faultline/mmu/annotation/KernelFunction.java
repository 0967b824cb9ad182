package faultline.mmu.annotation;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Names the Linux function, system call or structure of which the annotated method or class is the counterpart.
 *
 * <p>Readers find their way from {@code mm/memory.c} by it, and probes are attached by it: {@code pte_alloc*} selects
 * methods by this name, not by their Java spelling.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.METHOD, ElementType.TYPE, ElementType.CONSTRUCTOR})
public @interface KernelFunction {
    /** The kernel's own name, for instance {@code "move_page_tables"}. */
    String value();

    /** The kernel source file that holds it, for instance {@code "mm/mremap.c"}; empty where it is obvious. */
    String file() default "";
}
