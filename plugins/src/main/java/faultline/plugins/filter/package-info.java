/**
 * Filter expressions over the fields of events, compiled to bytecode.
 *
 * <pre>
 *   or      := and { '||' and }
 *   and     := not { '&amp;&amp;' not }
 *   not     := '!' not | relation
 *   relation:= sum [ ('==' '!=' '&lt;' '&lt;=' '&gt;' '&gt;=') sum | '=~' TEXT | 'in' range ]
 *   range   := '[' NAME ']' | sum '..' sum                  upper end excluded
 *   sum     := product { ('+' '-' '|' '^') product }
 *   product := unary { ('*' '/' '%' '&amp;' '&lt;&lt;' '&gt;&gt;') unary }
 *   unary   := ('-' '~') unary | NUMBER | TEXT | FIELD | '(' or ')'
 *   NUMBER  := decimal or 0x…, with an optional K M G (binary) or ns us ms s
 * </pre>
 *
 * Numbers are signed 64-bit, division by zero gives 0, a number stands for "not zero" where a condition is wanted.
 * {@code =~} takes a shell pattern. {@code address in [heap]} asks for the name of the VMA that an event's address lies
 * in. {@link faultline.plugins.filter.FilterSyntaxException} points at the column.
 *
 * <p>Path of an expression: {@link faultline.plugins.filter.Lexer} → {@link faultline.plugins.filter.Parser} → {@link
 * faultline.plugins.filter.Node} tree, typed → {@link faultline.plugins.filter.FilterCompiler}, a hidden class for each
 * type of event, since the same field may stand at different places.
 */
package faultline.plugins.filter;
