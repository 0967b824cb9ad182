package faultline.plugins.weave;

import org.objectweb.asm.Handle;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Writes the hooks of one site into the copy of its method that runs while something is attached: see the package's
 * picture.
 *
 * <p>Frames stay compressed as they were read. The one after the inject check adds a {@code long} to the stack of the
 * method's initial frame and is followed by a {@code pop2}, so that it cannot fall on a frame of the method itself; the
 * one of the exception handler comes last and claims nothing of the locals, which holds wherever the exception arose.
 */
final class HookVisitor extends MethodVisitor {
    static final Handle BOOTSTRAP = new Handle(
            Opcodes.H_INVOKESTATIC,
            Type.getInternalName(ProbeBootstrap.class),
            "link",
            "(Ljava/lang/invoke/MethodHandles$Lookup;Ljava/lang/String;Ljava/lang/invoke/MethodType;I)"
                    + "Ljava/lang/invoke/CallSite;",
            false);

    private final SiteInfo info;
    private final int siteId;
    private final Type owner;
    private final Type result;
    private final Label start = new Label();

    HookVisitor(MethodVisitor next, SiteInfo info, int siteId) {
        super(Opcodes.ASM9, next);
        this.info = info;
        this.siteId = siteId;
        this.owner = Type.getObjectType(info.className().replace('.', '/'));
        this.result = Type.getReturnType(info.descriptor());
    }

    @Override
    public void visitCode() {
        super.visitCode();
        hookWithArguments(Hook.ENTRY, "V");
        super.visitLabel(start);
        if (info.injectable()) {
            injectCheck();
        }
    }

    private void injectCheck() {
        Label body = new Label();
        hookWithArguments(Hook.INJECT, "J");
        super.visitInsn(Opcodes.DUP2);
        super.visitLdcInsn(ProbeSite.RUN_BODY);
        super.visitInsn(Opcodes.LCMP);
        super.visitJumpInsn(Opcodes.IFEQ, body);
        super.visitInsn(Opcodes.DUP2);
        returnInjected();
        super.visitLabel(body);
        super.visitFrame(Opcodes.F_SAME1, 0, null, 1, new Object[] {Opcodes.LONG});
        super.visitInsn(Opcodes.POP2);
    }

    /** Turns the long on the stack into the method's result and returns it, through the exit hook. */
    private void returnInjected() {
        switch (result.getSort()) {
            case Type.LONG -> {}
            case Type.INT, Type.BOOLEAN, Type.BYTE, Type.SHORT, Type.CHAR -> super.visitInsn(Opcodes.L2I);
            case Type.VOID -> super.visitInsn(Opcodes.POP2);
            case Type.OBJECT, Type.ARRAY -> {
                super.visitInsn(Opcodes.POP2);
                super.visitInsn(Opcodes.ACONST_NULL);
            }
            default -> throw new IllegalArgumentException("cannot inject a " + result.getClassName() + " at " + info);
        }
        visitInsn(result.getOpcode(Opcodes.IRETURN));
    }

    @Override
    public void visitInsn(int opcode) {
        if (opcode >= Opcodes.IRETURN && opcode <= Opcodes.RETURN) {
            exitHook();
        }
        super.visitInsn(opcode);
    }

    private void exitHook() {
        var type = new StringBuilder("(");
        if (result.getSort() != Type.VOID) {
            super.visitInsn(result.getSize() == 2 ? Opcodes.DUP2 : Opcodes.DUP);
            type.append(result.getDescriptor());
        }
        if (!info.isStatic()) {
            super.visitVarInsn(Opcodes.ALOAD, 0);
            type.append(owner.getDescriptor());
        }
        hook(Hook.EXIT, type.append(")V").toString());
    }

    @Override
    public void visitMaxs(int maxStack, int maxLocals) {
        Label handler = new Label();
        // last in the table, so that handlers of the body itself come first
        super.visitTryCatchBlock(start, handler, handler, null);
        super.visitLabel(handler);
        super.visitFrame(Opcodes.F_FULL, 0, null, 1, new Object[] {"java/lang/Throwable"});
        super.visitInsn(Opcodes.DUP);
        hook(Hook.THROWN, "(Ljava/lang/Throwable;)V");
        super.visitInsn(Opcodes.ATHROW);
        super.visitMaxs(maxStack, maxLocals);
    }

    private void hookWithArguments(Hook hook, String returned) {
        var type = new StringBuilder("(");
        int local = 0;
        if (!info.isStatic()) {
            super.visitVarInsn(Opcodes.ALOAD, local++);
            type.append(owner.getDescriptor());
        }
        for (Type argument : Type.getArgumentTypes(info.descriptor())) {
            super.visitVarInsn(argument.getOpcode(Opcodes.ILOAD), local);
            local += argument.getSize();
            type.append(argument.getDescriptor());
        }
        hook(hook, type.append(')').append(returned).toString());
    }

    private void hook(Hook hook, String type) {
        super.visitInvokeDynamicInsn(hook.siteName(), type, BOOTSTRAP, siteId);
    }
}
