package faultline.plugins.weave;

import java.util.ArrayList;
import java.util.List;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.MethodNode;

/**
 * Makes two methods of one that has a site: the method itself with a guard before its body, and a copy of it with hooks
 * that the guard leads to while something is attached.
 *
 * <p>What hooks need, arguments, results and a handler of exceptions, would count as code when the compiler decides
 * what to inline, though nobody listens; a detached method is its own body and {@code 12} bytes or so.
 */
final class ProbedMethod extends MethodNode {
    /** Ends the name of the copy. */
    static final String SUFFIX = "$probed";

    private final ClassVisitor type;
    private final boolean isInterface;
    private final MethodVisitor plain;
    private final SiteInfo info;
    private final int siteId;

    /**
     * @param type receives the copy
     * @param isInterface whether the type is one, and the method a default or static one
     * @param plain receives the method; annotations and the like have been written to it
     * @param access of the method
     */
    ProbedMethod(ClassVisitor type, boolean isInterface, MethodVisitor plain, int access, SiteInfo info, int siteId) {
        super(Opcodes.ASM9, access, info.method(), info.descriptor(), null, null);
        this.type = type;
        this.isInterface = isInterface;
        this.plain = plain;
        this.info = info;
        this.siteId = siteId;
    }

    @Override
    public void visitEnd() {
        accept(new Guard());
        // private, so that the copy of an overriding method is another one; the method holds its monitor already
        int access = this.access & Opcodes.ACC_STATIC | Opcodes.ACC_PRIVATE | Opcodes.ACC_SYNTHETIC;
        accept(new HookVisitor(type.visitMethod(access, name + SUFFIX, desc, null, null), info, siteId));
    }

    /** {@code if (attached) return copy(arguments)}; the call stands behind the body, out of the way. */
    private final class Guard extends MethodVisitor {
        private final Label attached = new Label();

        Guard() {
            super(Opcodes.ASM9, plain);
        }

        @Override
        public void visitCode() {
            super.visitCode();
            super.visitInvokeDynamicInsn(ProbeBootstrap.ATTACHED, "()Z", HookVisitor.BOOTSTRAP, siteId);
            super.visitJumpInsn(Opcodes.IFNE, attached);
        }

        @Override
        public void visitMaxs(int maxStack, int maxLocals) {
            String owner = info.className().replace('.', '/');
            List<Object> locals = new ArrayList<>();
            if (!info.isStatic()) {
                locals.add(owner);
            }
            for (Type argument : Type.getArgumentTypes(desc)) {
                locals.add(frameType(argument));
            }
            super.visitLabel(attached);
            super.visitFrame(Opcodes.F_FULL, locals.size(), locals.toArray(), 0, new Object[0]);
            loadArguments();
            super.visitMethodInsn(
                    info.isStatic() ? Opcodes.INVOKESTATIC : Opcodes.INVOKESPECIAL,
                    owner,
                    name + SUFFIX,
                    desc,
                    isInterface);
            super.visitInsn(Type.getReturnType(desc).getOpcode(Opcodes.IRETURN));
            super.visitMaxs(maxStack, maxLocals);
        }

        private void loadArguments() {
            int local = 0;
            if (!info.isStatic()) {
                super.visitVarInsn(Opcodes.ALOAD, local++);
            }
            for (Type argument : Type.getArgumentTypes(desc)) {
                super.visitVarInsn(argument.getOpcode(Opcodes.ILOAD), local);
                local += argument.getSize();
            }
        }

        private static Object frameType(Type argument) {
            return switch (argument.getSort()) {
                case Type.LONG -> Opcodes.LONG;
                case Type.FLOAT -> Opcodes.FLOAT;
                case Type.DOUBLE -> Opcodes.DOUBLE;
                case Type.OBJECT, Type.ARRAY -> argument.getInternalName();
                default -> Opcodes.INTEGER;
            };
        }
    }
}
