"""Tokens to a tree, by recursive descent over the grammar of the language definition; macros expand on the way."""

from __future__ import annotations

from steersman.cel.errors import CompileError, Issue
from steersman.cel.lexer import Token, tokenize
from steersman.cel.macros import MACROS, MacroError, Macros
from steersman.cel.syntax import (
    RESERVED,
    Call,
    Entry,
    FieldInit,
    Ident,
    ListLiteral,
    Literal,
    MapLiteral,
    Node,
    ObjectLiteral,
    Select,
)
from steersman.cel.types import BOOL, BYTES, DOUBLE, INT, NULL, STRING, UINT
from steersman.cel.values import MAX_INT, MAX_UINT, MIN_INT, Uint

MAX_DEPTH = 250
"""How deep an expression may nest."""

_KEYWORDS = {"true": (True, BOOL), "false": (False, BOOL), "null": (None, NULL)}
_BINARY = {
    "||": (1, "_||_"),
    "&&": (2, "_&&_"),
    "<": (3, "_<_"),
    "<=": (3, "_<=_"),
    ">": (3, "_>_"),
    ">=": (3, "_>=_"),
    "==": (3, "_==_"),
    "!=": (3, "_!=_"),
    "in": (3, "@in"),
    "+": (4, "_+_"),
    "-": (4, "_-_"),
    "*": (5, "_*_"),
    "/": (5, "_/_"),
    "%": (5, "_%_"),
}
_STARTS = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)


def parse(source: str, macros: Macros = MACROS) -> Node:
    """The tree of an expression. Raises CompileError with the first error of syntax."""
    parser = _Parser(source, tokenize(source), macros)
    try:
        return parser.whole()
    except RecursionError:
        raise CompileError(source, [Issue(-1, f"expression recursion limit exceeded: {MAX_DEPTH}")]) from None


class _Parser:
    def __init__(self, source: str, tokens: list[Token], macros: Macros) -> None:
        self._source = source
        self._macros = macros
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._expression()
        if self._peek() != "end":
            raise self._syntax(f"mismatched input '{self._token().text}' expecting <EOF>")
        return node

    # -- tokens ----------------------------------------------------------------------------------------------------

    def _token(self) -> Token:
        return self._tokens[self._at]

    def _peek(self) -> str:
        token = self._tokens[self._at]
        return "in" if token.text == "in" and token.kind == "ident" else token.kind

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _accept(self, kind: str) -> bool:
        if self._tokens[self._at].kind == kind:
            self._at += 1
            return True
        return False

    def _expect(self, kind: str) -> Token:
        token = self._token()
        if token.kind != kind:
            wanted = "IDENTIFIER" if kind == "ident" else f"'{kind}'"
            raise self._syntax(f"mismatched input '{token.text}' expecting {wanted}")
        return self._next()

    def _error(self, offset: int, message: str) -> CompileError:
        return CompileError(self._source, [Issue(offset, message)])

    def _syntax(self, message: str) -> CompileError:
        return self._error(self._token().offset, f"Syntax error: {message}")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(-1, f"expression recursion limit exceeded: {MAX_DEPTH}")

    # -- operators -------------------------------------------------------------------------------------------------

    def _expression(self, least: int = 0) -> Node:
        """An expression of operators that bind at least so tightly; 0 takes a conditional too."""
        entered = self._depth
        self._deeper()
        left = self._unary()
        while True:
            token = self._token()
            power, name = _BINARY.get(self._peek(), (0, ""))
            if power == 0 or power < least:
                break
            self._at += 1
            if power <= 2:
                left = self._logical(left, token, power, name)
                continue
            self._deeper()
            left = Call(token.offset, name, [left, self._expression(power + 1)])
        if least == 0 and self._token().kind == "?":
            left = self._conditional(left, self._next())
        self._depth = entered
        return left

    def _logical(self, left: Node, first: Token, power: int, name: str) -> Node:
        """A chain of one logical operator, kept flat so that a long one is not deep."""
        terms = [left, self._expression(power + 1)]
        while self._accept(first.text):
            terms.append(self._expression(power + 1))
        return Call(first.offset, name, terms)

    def _conditional(self, condition: Node, mark: Token) -> Node:
        then = self._expression(1)
        self._expect(":")
        return Call(mark.offset, "_?_:_", [condition, then, self._expression()])

    def _unary(self) -> Node:
        token = self._token()
        if token.kind not in ("!", "-"):
            return self._member(self._primary())
        count = 0
        while self._token().kind == token.kind:
            if token.kind == "-" and self._tokens[self._at + 1].kind in ("int", "float"):
                break
            self._at += 1
            count += 1
        if self._token().kind in ("!", "-") and (token.kind == "!" or self._token().kind == "!"):
            raise self._unexpected()
        operand = self._member(self._primary())
        if count % 2 == 0:
            return operand
        return Call(token.offset, "!_" if token.kind == "!" else "-_", [operand])

    # -- members ---------------------------------------------------------------------------------------------------

    def _member(self, node: Node) -> Node:
        entered = self._depth
        while True:
            token = self._token()
            if token.kind == ".":
                self._deeper()
                self._at += 1
                node = self._selection(node, token)
            elif token.kind == "[":
                self._deeper()
                self._at += 1
                optional = self._accept("?")
                index = self._expression()
                self._expect("]")
                node = Call(token.offset, "_[?_]" if optional else "_[_]", [node, index])
            else:
                self._depth = entered
                return node

    def _selection(self, node: Node, dot: Token) -> Node:
        optional = self._accept("?")
        if self._token().kind == "quoted":
            return Select(dot.offset, node, self._next().text[1:-1], optional=optional)
        token = self._token()
        if token.text in _KEYWORDS or token.text == "in":
            raise self._syntax(f"mismatched input '{token.text}' expecting IDENTIFIER")
        name = self._expect("ident").text
        if self._token().kind == "(" and not optional:
            opening = self._next()
            return self._call(opening, name, [node, *self._arguments(")")], member=True)
        return Select(dot.offset, node, name, optional=optional)

    def _arguments(self, closing: str) -> list[Node]:
        args: list[Node] = []
        if self._accept(closing):
            return args
        args.append(self._expression())
        while self._accept(","):
            args.append(self._expression())
        self._expect(closing)
        return args

    def _call(self, opening: Token, name: str, args: list[Node], *, member: bool) -> Node:
        macro = self._macros.get((name, len(args), member))
        if macro is not None:
            try:
                expanded = macro(opening.offset, args)
            except MacroError as err:
                raise self._error(err.offset, err.message) from None
            if expanded is not None:
                return expanded
        return Call(opening.offset, name, args, member=member)

    # -- primaries -------------------------------------------------------------------------------------------------

    def _primary(self) -> Node:
        token = self._token()
        kind = token.kind
        if kind == "(":
            self._at += 1
            node = self._expression()
            self._expect(")")
            return node
        if kind == "[":
            return self._list(self._next())
        if kind == "{":
            return self._map(self._next())
        if kind == "." or (kind == "ident" and token.text != "in"):
            return self._name()
        literal = self._literal()
        if literal is None:
            raise self._unexpected()
        return literal

    def _unexpected(self) -> CompileError:
        return self._syntax(f"mismatched input '{self._token().text}' expecting {_STARTS}")

    def _literal(self) -> Literal | None:
        start = self._token()
        negative = self._accept("-")
        token = self._next()
        sign = "-" if negative else ""
        if token.kind == "int":
            value = (
                int(sign + token.text, 16 if token.text.startswith("0x") else 10) if len(token.text) < 80 else MAX_UINT
            )
            if not MIN_INT <= value <= MAX_INT:
                raise self._error(start.offset, "invalid int literal")
            return Literal(start.offset, value, INT)
        if token.kind == "float":
            number = float(sign + token.text)
            if number in (float("inf"), float("-inf")):
                raise self._error(start.offset, "invalid double literal")
            return Literal(start.offset, number, DOUBLE)
        if not negative and token.kind == "uint":
            digits = token.text[:-1]
            value = int(digits, 16 if digits.startswith("0x") else 10) if len(digits) < 80 else MAX_UINT + 1
            if value > MAX_UINT:
                raise self._error(start.offset, "invalid uint literal")
            return Literal(start.offset, Uint(value), UINT)
        if not negative and token.kind in ("string", "bytes"):
            return Literal(start.offset, token.value, STRING if token.kind == "string" else BYTES)
        self._at -= 2 if negative else 1
        return None

    def _name(self) -> Node:
        """An identifier, a call of a function, a literal word, or an object literal `a.b.C{…}`."""
        start = self._token()
        leading = self._accept(".")
        token = self._expect("ident")
        if not leading and token.text in _KEYWORDS:
            value, literal_type = _KEYWORDS[token.text]
            return Literal(token.offset, value, literal_type)
        ahead = self._object_name()
        if ahead is not None:
            return self._object(ahead)
        if token.text in RESERVED:
            raise self._error(token.offset, f"reserved identifier: {token.text}")
        name = "." + token.text if leading else token.text
        if self._token().kind == "(":
            opening = self._next()
            return self._call(opening, name, self._arguments(")"), member=False)
        return Ident(start.offset, name)

    def _object_name(self) -> str | None:
        """The dotted name that ends here, where it is followed by the braces of an object literal."""
        at, parts = self._at, [self._tokens[self._at - 1].text]
        while self._tokens[at].kind == "." and self._tokens[at + 1].kind == "ident":
            parts.append(self._tokens[at + 1].text)
            at += 2
        if self._tokens[at].kind != "{":
            return None
        self._at = at
        return ".".join(parts)

    def _object(self, name: str) -> Node:
        opening = self._expect("{")
        fields: list[FieldInit] = []
        while not self._accept("}"):
            optional = self._accept("?")
            token = self._token()
            field = self._next().text[1:-1] if token.kind == "quoted" else self._expect("ident").text
            colon = self._expect(":")
            fields.append(FieldInit(colon.offset, field, self._expression(), optional))
            if not self._accept(","):
                self._expect("}")
                break
        return ObjectLiteral(opening.offset, name, fields)

    def _list(self, opening: Token) -> Node:
        elements: list[Node] = []
        optional: set[int] = set()
        while not self._accept("]"):
            if self._accept("?"):
                optional.add(len(elements))
            elements.append(self._expression())
            if not self._accept(","):
                self._expect("]")
                break
        return ListLiteral(opening.offset, elements, frozenset(optional))

    def _map(self, opening: Token) -> Node:
        found: list[Entry] = []
        while not self._accept("}"):
            optional = self._accept("?")
            key = self._expression()
            colon = self._expect(":")
            found.append(Entry(colon.offset, key, self._expression(), optional))
            if not self._accept(","):
                self._expect("}")
                break
        return MapLiteral(opening.offset, found)
