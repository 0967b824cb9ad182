package faultline.mmu.annotation;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * States which locks the caller must hold, by the names of {@code LockRank}'s constants (Linux:
 * {@code lockdep_assert_held}). Checked at run time only where a lock-checking plugin is woven in.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.METHOD, ElementType.CONSTRUCTOR})
public @interface RequiresLock {
    /** Lock rank names, for instance {@code "MMAP_LOCK"}; a suffix {@code ":read"} means that shared is enough. */
    String[] value();
}
