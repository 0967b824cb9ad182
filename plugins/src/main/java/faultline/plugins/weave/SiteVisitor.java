package faultline.plugins.weave;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import org.objectweb.asm.AnnotationVisitor;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/**
 * Finds the sites of a class and has their methods woven. Annotations and parameter names precede a method's code, so
 * that one pass suffices.
 */
final class SiteVisitor extends ClassVisitor {
    /** Returned for a site that shall not be woven. */
    static final int NOT_WOVEN = -1;

    private final ToIntFunction<SiteInfo> sink;
    private final Annotations ofClass = new Annotations();
    private String internalName;
    private boolean isInterface;

    /**
     * @param next receives the woven class, or null to only look for sites
     * @param sink is told of each site; gives its number or {@link #NOT_WOVEN}
     */
    SiteVisitor(ClassVisitor next, ToIntFunction<SiteInfo> sink) {
        super(Opcodes.ASM9, next);
        this.sink = sink;
    }

    @Override
    public void visit(int version, int access, String name, String signature, String superName, String[] interfaces) {
        internalName = name;
        isInterface = (access & Opcodes.ACC_INTERFACE) != 0;
        super.visit(version, access, name, signature, superName, interfaces);
    }

    @Override
    public AnnotationVisitor visitAnnotation(String descriptor, boolean visible) {
        return tee(ofClass.reader(descriptor), super.visitAnnotation(descriptor, visible));
    }

    @Override
    public MethodVisitor visitMethod(
            int access, String name, String descriptor, String signature, String[] exceptions) {
        MethodVisitor next = super.visitMethod(access, name, descriptor, signature, exceptions);
        return new MethodHead(next, access, name, descriptor);
    }

    /** Both visitors are to see an annotation; either may be null. */
    private static AnnotationVisitor tee(AnnotationVisitor reader, AnnotationVisitor next) {
        if (reader == null || next == null) {
            return reader == null ? next : reader;
        }
        return new AnnotationVisitor(Opcodes.ASM9, next) {
            @Override
            public void visit(String key, Object value) {
                reader.visit(key, value);
                super.visit(key, value);
            }
        };
    }

    /** Reads a method up to its code, then steps aside for a {@link ProbedMethod} or for the plain copy. */
    private final class MethodHead extends MethodVisitor {
        private final int access;
        private final String name;
        private final String descriptor;
        private final Annotations ofMethod = new Annotations();
        private final List<String> parameterNames = new ArrayList<>();

        MethodHead(MethodVisitor next, int access, String name, String descriptor) {
            super(Opcodes.ASM9, next);
            this.access = access;
            this.name = name;
            this.descriptor = descriptor;
        }

        @Override
        public void visitParameter(String parameter, int parameterAccess) {
            parameterNames.add(parameter);
            super.visitParameter(parameter, parameterAccess);
        }

        @Override
        public AnnotationVisitor visitAnnotation(String annotation, boolean visible) {
            return tee(ofMethod.reader(annotation), super.visitAnnotation(annotation, visible));
        }

        @Override
        public void visitCode() {
            SiteInfo info = SiteNaming.site(internalName, ofClass, access, name, descriptor, ofMethod, parameterNames);
            int id = info == null ? NOT_WOVEN : sink.applyAsInt(info);
            if (id != NOT_WOVEN && mv != null) {
                mv = new ProbedMethod(SiteVisitor.this.cv, isInterface, mv, access, info, id);
            }
            super.visitCode();
        }
    }
}
