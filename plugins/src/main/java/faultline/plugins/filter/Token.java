package faultline.plugins.filter;

/**
 * A word of an expression.
 *
 * @param text the operator, the name, or a text's content
 * @param number the value of a number
 * @param column from 1
 */
record Token(Kind kind, String text, long number, int column) {
    enum Kind {
        NAME,
        NUMBER,
        TEXT,
        /** {@code [name]}: the VMA of that name. */
        AREA,
        OPERATOR,
        END
    }

    boolean is(String operator) {
        return kind == Kind.OPERATOR && text.equals(operator);
    }
}
