package faultline.plugins.filter;

import faultline.plugins.words.Caret;

/** An expression that means nothing; the message shows where. */
public final class FilterSyntaxException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int column;

    /**
     * @param text the whole expression
     * @param column where it goes wrong, from 1
     */
    public FilterSyntaxException(String problem, String text, int column) {
        super(Caret.at(problem, text, column));
        this.column = column;
    }

    /** Column of the offending token, from 1; one past the end when something is missing. */
    public int column() {
        return column;
    }
}
