package faultline.plugins.filter;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Splits an expression into tokens. */
final class Lexer {
    private static final String[] OPERATORS = {
        "&&", "||", "==", "!=", "<=", ">=", "=~", "<<", ">>", "..", "(", ")", "<", ">", "!", "+", "-", "*", "/", "%",
        "&", "|", "^", "~", ","
    };

    private static final Map<String, Long> UNITS = Map.of(
            "",
            1L,
            "K",
            1L << 10,
            "M",
            1L << 20,
            "G",
            1L << 30,
            "ns",
            1L,
            "us",
            1_000L,
            "ms",
            1_000_000L,
            "s",
            1_000_000_000L);

    private final String text;
    private final List<Token> tokens = new ArrayList<>();
    private int at;

    private Lexer(String text) {
        this.text = text;
    }

    static List<Token> tokens(String text) {
        var lexer = new Lexer(text);
        while (lexer.next()) {}
        return lexer.tokens;
    }

    private boolean next() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        if (at == text.length()) {
            tokens.add(new Token(Token.Kind.END, "", 0, at + 1));
            return false;
        }
        char c = text.charAt(at);
        if (Character.isLetter(c) || c == '_') {
            name();
        } else if (c >= '0' && c <= '9') {
            number();
        } else if (c == '"' || c == '\'') {
            enclosed(Token.Kind.TEXT, c, "text without closing quote");
        } else if (c == '[') {
            enclosed(Token.Kind.AREA, ']', "']' is missing");
        } else {
            operator();
        }
        return true;
    }

    private void name() {
        int start = at;
        while (at < text.length() && (Character.isLetterOrDigit(text.charAt(at)) || text.charAt(at) == '_')) {
            at++;
        }
        tokens.add(new Token(Token.Kind.NAME, text.substring(start, at), 0, start + 1));
    }

    private void number() {
        int start = at;
        boolean hex = text.startsWith("0x", at) || text.startsWith("0X", at);
        int radix = hex ? 16 : 10;
        at += hex ? 2 : 0;
        int digits = at;
        while (at < text.length() && (Character.digit(text.charAt(at), radix) >= 0 || text.charAt(at) == '_')) {
            at++;
        }
        int end = at;
        while (at < text.length() && Character.isLetterOrDigit(text.charAt(at))) {
            at++;
        }
        Long unit = UNITS.get(text.substring(end, at));
        if (unit == null) {
            throw new FilterSyntaxException("unknown unit '" + text.substring(end, at) + "'", text, end + 1);
        }
        try {
            long value = Long.parseUnsignedLong(text.substring(digits, end).replace("_", ""), radix);
            tokens.add(new Token(Token.Kind.NUMBER, text.substring(start, at), value * unit, start + 1));
        } catch (NumberFormatException e) {
            throw new FilterSyntaxException(
                    "'" + text.substring(start, at) + "' is no number of 64 bits", text, start + 1);
        }
    }

    private void enclosed(Token.Kind kind, char close, String missing) {
        int start = at++;
        int end = text.indexOf(close, at);
        if (end < 0) {
            throw new FilterSyntaxException(missing, text, start + 1);
        }
        tokens.add(new Token(kind, text.substring(at, end), 0, start + 1));
        at = end + 1;
    }

    private void operator() {
        for (String operator : OPERATORS) {
            if (text.startsWith(operator, at)) {
                tokens.add(new Token(Token.Kind.OPERATOR, operator, 0, at + 1));
                at += operator.length();
                return;
            }
        }
        throw new FilterSyntaxException("unexpected '" + text.charAt(at) + "'", text, at + 1);
    }
}
