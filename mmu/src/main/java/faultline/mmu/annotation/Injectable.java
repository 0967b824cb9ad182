package faultline.mmu.annotation;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks a method that may be made to fail on purpose (Linux: {@code ALLOW_ERROR_INJECTION}).
 *
 * <p>Two obligations come with it, as in the kernel: every caller checks the result, and the method changes no state
 * before its first error return, so that returning {@link #error} instead of running the body is a state that real
 * failures also produce.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Injectable {
    /** Hierarchical name of the point, for instance {@code "mm/pte_alloc"}. */
    String value();

    /**
     * What the method returns when made to fail: a frame number or address of -1 for allocations that say "none", or a
     * negative errno. A positive value stands for all of the argument {@code len}: the bytes that could not be copied.
     * Methods returning an object return {@code null}; methods returning boolean return {@code false}.
     */
    long error() default -1;

    /** Whether it is an allocation that may wait for memory (Linux: __GFP_DIRECT_RECLAIM). */
    boolean mayWait() default false;
}
