package faultline.plugins.filter;

import faultline.plugins.event.Field;
import faultline.plugins.event.FieldKind;
import faultline.plugins.words.Suggestion;
import java.util.List;
import java.util.Map;

/** Recursive descent over the package's grammar, checking types as it goes. */
final class Parser {
    /** Deeper nesting is refused, so that no expression exhausts the stack. */
    private static final int MAX_DEPTH = 200;

    /** Longer expressions are refused; a method of bytecode has its limit, too. */
    private static final int MAX_LENGTH = 4096;

    private final String text;
    private final List<Token> tokens;
    private final Map<String, Field> fields;
    private int at;
    private int depth;

    private Parser(String text, Map<String, Field> fields) {
        this.text = text;
        this.tokens = Lexer.tokens(text);
        this.fields = fields;
    }

    /**
     * Parses a condition.
     *
     * @param fields what names may stand in it
     * @throws FilterSyntaxException with the column of the first error
     */
    static Node parse(String text, Map<String, Field> fields) {
        if (text.length() > MAX_LENGTH) {
            throw new FilterSyntaxException("expression longer than " + MAX_LENGTH, text, MAX_LENGTH + 1);
        }
        var parser = new Parser(text, fields);
        Token first = parser.peek();
        Node node = parser.or();
        if (parser.peek().kind() != Token.Kind.END) {
            throw parser.error("unexpected '" + parser.peek().text() + "'", parser.peek());
        }
        return parser.condition(node, first);
    }

    private Token peek() {
        return tokens.get(at);
    }

    private boolean accept(String operator) {
        if (peek().is(operator)) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(String operator) {
        if (!accept(operator)) {
            throw error("'" + operator + "' expected", peek());
        }
    }

    private FilterSyntaxException error(String problem, Token token) {
        return new FilterSyntaxException(problem, text, token.column());
    }

    private Node condition(Node node, Token where) {
        if (node.type() == Node.Type.TEXT) {
            throw error("a condition is needed, not a text", where);
        }
        return node;
    }

    private Node number(Node node, Token where) {
        if (node.type() == Node.Type.TEXT) {
            throw error("a number is needed, not a text", where);
        }
        return node;
    }

    private Node or() {
        Token where = peek();
        Node left = and();
        while (accept("||")) {
            Token rightWhere = peek();
            left = new Node.Logic(false, condition(left, where), condition(and(), rightWhere));
        }
        return left;
    }

    private Node and() {
        Token where = peek();
        Node left = not();
        while (accept("&&")) {
            Token rightWhere = peek();
            left = new Node.Logic(true, condition(left, where), condition(not(), rightWhere));
        }
        return left;
    }

    private Node not() {
        if (++depth > MAX_DEPTH) {
            throw error("nested too deeply", peek());
        }
        try {
            if (accept("!")) {
                Token where = peek();
                return new Node.Not(condition(not(), where));
            }
            return relation();
        } finally {
            depth--;
        }
    }

    private Node relation() {
        Token where = peek();
        Node left = sum();
        Token operator = peek();
        if (operator.kind() == Token.Kind.NAME && operator.text().equals("in")) {
            at++;
            return range(left, where);
        }
        if (operator.kind() != Token.Kind.OPERATOR) {
            return left;
        }
        return switch (operator.text()) {
            case "==", "!=", "<", "<=", ">", ">=" -> {
                at++;
                yield comparison(operator, left, where);
            }
            case "=~" -> {
                at++;
                yield matches(left, where);
            }
            default -> left;
        };
    }

    private Node comparison(Token operator, Node left, Token where) {
        Token rightWhere = peek();
        Node right = sum();
        boolean texts = left.type() == Node.Type.TEXT;
        if (texts != (right.type() == Node.Type.TEXT)) {
            throw error(texts ? "a text is needed, as on the left" : "a number is needed, as on the left", rightWhere);
        }
        if (texts && !operator.text().endsWith("=")
                || texts && "<>".indexOf(operator.text().charAt(0)) >= 0) {
            throw error("texts have no order", operator);
        }
        return new Node.Comparison(operator.text(), left, right);
    }

    private Node matches(Node left, Token where) {
        if (left.type() != Node.Type.TEXT) {
            throw error("'=~' needs a text on its left", where);
        }
        Token pattern = peek();
        if (pattern.kind() != Token.Kind.TEXT) {
            throw error("'=~' needs a pattern in quotes", pattern);
        }
        at++;
        return new Node.Matches(left, pattern.text());
    }

    private Node range(Node left, Token where) {
        number(left, where);
        Token area = peek();
        if (area.kind() == Token.Kind.AREA) {
            at++;
            return new Node.Comparison("==", field("vma", area), new Node.Text("[" + area.text() + "]"));
        }
        Token lowWhere = peek();
        Node low = number(sum(), lowWhere);
        expect("..");
        Token highWhere = peek();
        return new Node.InRange(left, low, number(sum(), highWhere));
    }

    private Node sum() {
        Token where = peek();
        Node left = product();
        while (peek().is("+") || peek().is("-") || peek().is("|") || peek().is("^")) {
            String operator = tokens.get(at++).text();
            Token rightWhere = peek();
            left = new Node.Arithmetic(operator, number(left, where), number(product(), rightWhere));
        }
        return left;
    }

    private Node product() {
        Token where = peek();
        Node left = unary();
        while (peek().kind() == Token.Kind.OPERATOR
                && List.of("*", "/", "%", "&", "<<", ">>").contains(peek().text())) {
            String operator = tokens.get(at++).text();
            Token rightWhere = peek();
            left = new Node.Arithmetic(operator, number(left, where), number(unary(), rightWhere));
        }
        return left;
    }

    private Node unary() {
        Token token = peek();
        if (token.is("-") || token.is("~")) {
            if (++depth > MAX_DEPTH) {
                throw error("nested too deeply", token);
            }
            at++;
            Token where = peek();
            Node operand = number(unary(), where);
            depth--;
            return new Node.Unary(token.text().charAt(0), operand);
        }
        if (accept("(")) {
            Node inner = or();
            expect(")");
            return inner;
        }
        return switch (token.kind()) {
            case NUMBER -> {
                at++;
                yield new Node.Number(token.number());
            }
            case TEXT -> {
                at++;
                yield new Node.Text(token.text());
            }
            case NAME -> {
                at++;
                yield field(token.text(), token);
            }
            case END -> throw error("something is missing", token);
            case AREA, OPERATOR -> throw error("unexpected '" + token.text() + "'", token);
        };
    }

    private Node field(String name, Token where) {
        Field field = fields.get(name);
        if (field == null) {
            throw error("there is no field '" + name + "'" + Suggestion.among(name, fields.keySet()), where);
        }
        Node.Type type = field.kind().isText()
                ? Node.Type.TEXT
                : field.kind() == FieldKind.BOOL ? Node.Type.CONDITION : Node.Type.NUMBER;
        return new Node.FieldValue(name, type);
    }
}
