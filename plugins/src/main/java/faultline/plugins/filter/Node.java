package faultline.plugins.filter;

/** A typed expression tree. Conditions and numbers convert into each other, texts into nothing. */
sealed interface Node {
    /** What a node yields. */
    enum Type {
        NUMBER,
        CONDITION,
        TEXT
    }

    /** What this node yields. */
    Type type();

    /** A literal number. */
    record Number(long value) implements Node {
        @Override
        public Type type() {
            return Type.NUMBER;
        }
    }

    /** A literal text. */
    record Text(String value) implements Node {
        @Override
        public Type type() {
            return Type.TEXT;
        }
    }

    /** A field of the event. */
    record FieldValue(String name, Type type) implements Node {}

    /** {@code -a} or {@code ~a}. */
    record Unary(char operator, Node operand) implements Node {
        @Override
        public Type type() {
            return Type.NUMBER;
        }
    }

    /** Two numbers make one: {@code + - * / % & | ^ << >>}. */
    record Arithmetic(String operator, Node left, Node right) implements Node {
        @Override
        public Type type() {
            return Type.NUMBER;
        }
    }

    /** {@code == != < <= > >=} on numbers; {@code ==} and {@code !=} on texts. */
    record Comparison(String operator, Node left, Node right) implements Node {
        @Override
        public Type type() {
            return Type.CONDITION;
        }
    }

    /** {@code field =~ "pattern"}. */
    record Matches(Node text, String pattern) implements Node {
        @Override
        public Type type() {
            return Type.CONDITION;
        }
    }

    /** {@code low <= value < high}, unsigned, since these are addresses. */
    record InRange(Node value, Node low, Node high) implements Node {
        @Override
        public Type type() {
            return Type.CONDITION;
        }
    }

    /** {@code &&} or {@code ||}. */
    record Logic(boolean and, Node left, Node right) implements Node {
        @Override
        public Type type() {
            return Type.CONDITION;
        }
    }

    /** {@code !a}. */
    record Not(Node operand) implements Node {
        @Override
        public Type type() {
            return Type.CONDITION;
        }
    }
}
