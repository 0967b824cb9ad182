package faultline.plugins.filter;

import faultline.plugins.event.EventType;
import faultline.plugins.event.StringTable;
import faultline.plugins.weave.Glob;

/** Evaluates an expression tree by walking it: the meaning that compiled filters are held to. */
final class NaiveInterpreter {
    private final EventType type;
    private final StringTable strings;
    private final long[] record;

    NaiveInterpreter(EventType type, StringTable strings, long[] record) {
        this.type = type;
        this.strings = strings;
        this.record = record;
    }

    boolean holds(Node node) {
        return switch (node) {
            case Node.Not not -> !holds(not.operand());
            case Node.Logic logic ->
                logic.and() ? holds(logic.left()) && holds(logic.right()) : holds(logic.left()) || holds(logic.right());
            case Node.Comparison c -> compare(c);
            case Node.Matches m -> Glob.of(m.pattern()).matches(text(m.text()));
            case Node.InRange r ->
                Long.compareUnsigned(number(r.value()), number(r.low())) >= 0
                        && Long.compareUnsigned(number(r.value()), number(r.high())) < 0;
            default -> number(node) != 0;
        };
    }

    private boolean compare(Node.Comparison c) {
        if (c.left().type() == Node.Type.TEXT) {
            return text(c.left()).equals(text(c.right())) == c.operator().equals("==");
        }
        int order = Long.compare(number(c.left()), number(c.right()));
        return switch (c.operator()) {
            case "==" -> order == 0;
            case "!=" -> order != 0;
            case "<" -> order < 0;
            case "<=" -> order <= 0;
            case ">" -> order > 0;
            default -> order >= 0;
        };
    }

    private String text(Node node) {
        return node instanceof Node.Text text
                ? text.value()
                : strings.text(type.field(((Node.FieldValue) node).name()).get(record, 0));
    }

    private long number(Node node) {
        return switch (node) {
            case Node.Number n -> n.value();
            case Node.FieldValue f -> type.field(f.name()).get(record, 0);
            case Node.Unary u -> u.operator() == '-' ? -number(u.operand()) : ~number(u.operand());
            case Node.Arithmetic a -> arithmetic(a.operator(), number(a.left()), number(a.right()));
            default -> holds(node) ? 1 : 0;
        };
    }

    private static long arithmetic(String operator, long a, long b) {
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> b == 0 ? 0 : a / b;
            case "%" -> b == 0 ? 0 : a % b;
            case "&" -> a & b;
            case "|" -> a | b;
            case "^" -> a ^ b;
            case "<<" -> a << (int) b;
            case ">>" -> a >>> (int) b;
            default -> throw new AssertionError(operator);
        };
    }
}
