package faultline.plugins.weave;

import org.objectweb.asm.AnnotationVisitor;
import org.objectweb.asm.Opcodes;

/** Collects what the annotations of a class or a method say about sites. */
final class Annotations {
    static final String KERNEL_FUNCTION = "Lfaultline/mmu/annotation/KernelFunction;";
    static final String INJECTABLE = "Lfaultline/mmu/annotation/Injectable;";

    /** The kernel's name, or null when there is no {@code @KernelFunction}. */
    String kernelName;

    String kernelFile = "";

    /** The injection point, or null when there is no {@code @Injectable}. */
    String injectId;

    long injectError = -1;

    boolean mayWait;

    /** Returns a visitor that reads the annotation into this object, or null for those of no interest. */
    AnnotationVisitor reader(String descriptor) {
        return switch (descriptor) {
            case KERNEL_FUNCTION, INJECTABLE ->
                new AnnotationVisitor(Opcodes.ASM9) {
                    @Override
                    public void visit(String key, Object value) {
                        take(descriptor.equals(INJECTABLE), key, value);
                    }
                };
            default -> null;
        };
    }

    private void take(boolean injectable, String key, Object value) {
        switch (key) {
            case "value" -> {
                if (injectable) {
                    injectId = (String) value;
                } else {
                    kernelName = (String) value;
                }
            }
            case "file" -> kernelFile = (String) value;
            case "error" -> injectError = (Long) value;
            case "mayWait" -> mayWait = (Boolean) value;
            default -> throw new IllegalArgumentException("unknown annotation element " + key);
        }
    }
}
