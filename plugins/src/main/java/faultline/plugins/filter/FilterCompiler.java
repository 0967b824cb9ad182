package faultline.plugins.filter;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Field;
import faultline.plugins.event.StringTable;
import faultline.plugins.weave.Glob;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Compiles a condition for one type of event to a hidden class.
 *
 * <p>Conditions become jumps: {@link #jump} writes code that goes to a label when the condition has the wanted value
 * and falls through otherwise. The operand stack is empty at each jump but those of a condition used as a number, which
 * stand in a method of their own, so that a frame never has to name more than the two parameters.
 */
public final class FilterCompiler {
    private static final String RUNTIME = Type.getInternalName(FilterRuntime.class);
    private static final String SELF = "faultline/plugins/filter/Compiled";
    private static final String TEST = "([JI)Z";

    private final EventType type;
    private final StringTable strings;
    private final List<Glob> patterns = new ArrayList<>();
    private final ClassWriter writer = new ClassWriter(ClassWriter.COMPUTE_MAXS);
    private int helpers;

    private FilterCompiler(EventType type, StringTable strings) {
        this.type = type;
        this.strings = strings;
    }

    /**
     * Compiles an expression.
     *
     * @throws FilterSyntaxException when it does not parse or names fields that the type has not
     */
    public static EventPredicate compile(String text, EventType type, StringTable strings) {
        return compile(Parser.parse(text, type.fields()), type, strings);
    }

    static EventPredicate compile(Node condition, EventType type, StringTable strings) {
        return new FilterCompiler(type, strings).define(condition);
    }

    private EventPredicate define(Node condition) {
        writer.visit(Opcodes.V21, Opcodes.ACC_FINAL | Opcodes.ACC_SUPER, SELF, null, "java/lang/Object", new String[] {
            Type.getInternalName(EventPredicate.class)
        });
        writer.visitField(Opcodes.ACC_PRIVATE | Opcodes.ACC_FINAL, "runtime", "L" + RUNTIME + ";", null, null)
                .visitEnd();
        constructor();
        method("test", Opcodes.ACC_PUBLIC, condition);
        writer.visitEnd();
        try {
            MethodHandles.Lookup hidden = MethodHandles.lookup().defineHiddenClass(writer.toByteArray(), true);
            return (EventPredicate)
                    hidden.findConstructor(hidden.lookupClass(), MethodType.methodType(void.class, FilterRuntime.class))
                            .invoke(new FilterRuntime(strings, List.copyOf(patterns)));
        } catch (Throwable e) {
            throw new IllegalStateException("the filter's class does not load", e);
        }
    }

    private void constructor() {
        MethodVisitor code = writer.visitMethod(0, "<init>", "(L" + RUNTIME + ";)V", null, null);
        code.visitCode();
        code.visitVarInsn(Opcodes.ALOAD, 0);
        code.visitMethodInsn(Opcodes.INVOKESPECIAL, "java/lang/Object", "<init>", "()V", false);
        code.visitVarInsn(Opcodes.ALOAD, 0);
        code.visitVarInsn(Opcodes.ALOAD, 1);
        code.visitFieldInsn(Opcodes.PUTFIELD, SELF, "runtime", "L" + RUNTIME + ";");
        code.visitInsn(Opcodes.RETURN);
        code.visitMaxs(0, 0);
        code.visitEnd();
    }

    private void method(String name, int access, Node condition) {
        MethodVisitor code = writer.visitMethod(access, name, TEST, null, null);
        code.visitCode();
        Label no = new Label();
        jump(code, condition, false, no);
        code.visitInsn(Opcodes.ICONST_1);
        code.visitInsn(Opcodes.IRETURN);
        bind(code, no);
        code.visitInsn(Opcodes.ICONST_0);
        code.visitInsn(Opcodes.IRETURN);
        code.visitMaxs(0, 0);
        code.visitEnd();
    }

    /** Two labels may meet at one place: the nop keeps their frames apart. */
    private static void bind(MethodVisitor code, Label label) {
        code.visitLabel(label);
        code.visitFrame(Opcodes.F_SAME, 0, null, 0, null);
        code.visitInsn(Opcodes.NOP);
    }

    private void jump(MethodVisitor code, Node node, boolean when, Label to) {
        switch (node) {
            case Node.Not not -> jump(code, not.operand(), !when, to);
            case Node.Logic logic -> {
                // "a and b" goes to the label on false as soon as one is false; on true only after both were
                if (logic.and() != when) {
                    jump(code, logic.left(), when, to);
                    jump(code, logic.right(), when, to);
                } else {
                    Label decided = new Label();
                    jump(code, logic.left(), !when, decided);
                    jump(code, logic.right(), when, to);
                    bind(code, decided);
                }
            }
            case Node.Comparison comparison -> {
                value(code, comparison.left());
                value(code, comparison.right());
                code.visitInsn(Opcodes.LCMP);
                int opcode = opcode(comparison.operator());
                code.visitJumpInsn(when ? opcode : opposite(opcode), to);
            }
            case Node.Matches matches -> {
                code.visitVarInsn(Opcodes.ALOAD, 0);
                code.visitFieldInsn(Opcodes.GETFIELD, SELF, "runtime", "L" + RUNTIME + ";");
                value(code, matches.text());
                code.visitLdcInsn(patterns.size());
                patterns.add(Glob.of(matches.pattern()));
                code.visitMethodInsn(Opcodes.INVOKEVIRTUAL, RUNTIME, "matches", "(JI)Z", false);
                code.visitJumpInsn(when ? Opcodes.IFNE : Opcodes.IFEQ, to);
            }
            case Node.InRange range -> inRange(code, range, when, to);
            default -> {
                value(code, node);
                code.visitInsn(Opcodes.LCONST_0);
                code.visitInsn(Opcodes.LCMP);
                code.visitJumpInsn(when ? Opcodes.IFNE : Opcodes.IFEQ, to);
            }
        }
    }

    private void inRange(MethodVisitor code, Node.InRange range, boolean when, Label to) {
        Label outside = when ? new Label() : to;
        compareUnsigned(code, range.value(), range.low());
        code.visitJumpInsn(Opcodes.IFLT, outside);
        compareUnsigned(code, range.value(), range.high());
        code.visitJumpInsn(when ? Opcodes.IFLT : Opcodes.IFGE, to);
        if (when) {
            bind(code, outside);
        }
    }

    private void compareUnsigned(MethodVisitor code, Node left, Node right) {
        value(code, left);
        value(code, right);
        code.visitMethodInsn(Opcodes.INVOKESTATIC, "java/lang/Long", "compareUnsigned", "(JJ)I", false);
    }

    /** Leaves a node's value on the stack as a long. */
    private void value(MethodVisitor code, Node node) {
        switch (node) {
            case Node.Number number -> code.visitLdcInsn(number.value());
            case Node.Text text -> code.visitLdcInsn((long) strings.number(text.value()));
            case Node.FieldValue field -> load(code, type.field(field.name()));
            case Node.Unary unary -> {
                value(code, unary.operand());
                if (unary.operator() == '-') {
                    code.visitInsn(Opcodes.LNEG);
                } else {
                    code.visitLdcInsn(-1L);
                    code.visitInsn(Opcodes.LXOR);
                }
            }
            case Node.Arithmetic arithmetic -> arithmetic(code, arithmetic);
            default -> {
                String helper = "condition" + helpers++;
                method(helper, Opcodes.ACC_PRIVATE, node);
                code.visitVarInsn(Opcodes.ALOAD, 0);
                code.visitVarInsn(Opcodes.ALOAD, 1);
                code.visitVarInsn(Opcodes.ILOAD, 2);
                code.visitMethodInsn(Opcodes.INVOKEVIRTUAL, SELF, helper, TEST, false);
                code.visitInsn(Opcodes.I2L);
            }
        }
    }

    private static void load(MethodVisitor code, Field field) {
        code.visitVarInsn(Opcodes.ALOAD, 1);
        code.visitVarInsn(Opcodes.ILOAD, 2);
        code.visitLdcInsn(field.word());
        code.visitInsn(Opcodes.IADD);
        code.visitInsn(Opcodes.LALOAD);
        if (field.bits() < 64) {
            code.visitLdcInsn(field.shift());
            code.visitInsn(Opcodes.LUSHR);
            code.visitLdcInsn((1L << field.bits()) - 1);
            code.visitInsn(Opcodes.LAND);
        }
    }

    private void arithmetic(MethodVisitor code, Node.Arithmetic node) {
        value(code, node.left());
        value(code, node.right());
        switch (node.operator()) {
            case "+" -> code.visitInsn(Opcodes.LADD);
            case "-" -> code.visitInsn(Opcodes.LSUB);
            case "*" -> code.visitInsn(Opcodes.LMUL);
            case "&" -> code.visitInsn(Opcodes.LAND);
            case "|" -> code.visitInsn(Opcodes.LOR);
            case "^" -> code.visitInsn(Opcodes.LXOR);
            case "/" -> code.visitMethodInsn(Opcodes.INVOKESTATIC, RUNTIME, "divide", "(JJ)J", false);
            case "%" -> code.visitMethodInsn(Opcodes.INVOKESTATIC, RUNTIME, "remainder", "(JJ)J", false);
            case "<<", ">>" -> {
                code.visitInsn(Opcodes.L2I);
                code.visitInsn(node.operator().equals("<<") ? Opcodes.LSHL : Opcodes.LUSHR);
            }
            default -> throw new IllegalStateException("unknown operator " + node.operator());
        }
    }

    private static int opcode(String operator) {
        return switch (operator) {
            case "==" -> Opcodes.IFEQ;
            case "!=" -> Opcodes.IFNE;
            case "<" -> Opcodes.IFLT;
            case "<=" -> Opcodes.IFLE;
            case ">" -> Opcodes.IFGT;
            case ">=" -> Opcodes.IFGE;
            default -> throw new IllegalStateException("unknown operator " + operator);
        };
    }

    private static int opposite(int opcode) {
        return switch (opcode) {
            case Opcodes.IFEQ -> Opcodes.IFNE;
            case Opcodes.IFNE -> Opcodes.IFEQ;
            case Opcodes.IFLT -> Opcodes.IFGE;
            case Opcodes.IFLE -> Opcodes.IFGT;
            case Opcodes.IFGT -> Opcodes.IFLE;
            case Opcodes.IFGE -> Opcodes.IFLT;
            default -> throw new IllegalStateException("no jump: " + opcode);
        };
    }
}
