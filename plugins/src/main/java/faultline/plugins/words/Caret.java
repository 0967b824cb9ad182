package faultline.plugins.words;

/** Points at a place in what the user wrote. */
public final class Caret {
    private Caret() {}

    /**
     * The problem in a line, then the text, then a mark below the column.
     *
     * @param text all of what was written
     * @param column where it goes wrong, from 1; one past the end when something is missing
     */
    public static String at(String problem, String text, int column) {
        return "at column " + column + ", " + line(problem) + "\n  " + line(text) + "\n  " + " ".repeat(column - 1)
                + "^";
    }

    private static String line(String text) {
        return text.replaceAll("\\s", " ");
    }
}
