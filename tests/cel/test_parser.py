"""Syntax: what is accepted, what is refused, and how the refusal reads."""

import pytest
from tests.cel.evaluating import report, value

from steersman import cel
from steersman.cel.lexer import MAX_LENGTH
from steersman.cel.parser import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3 - 4 / 2", 5),
        ("(1 + 2) * 3", 9),
        ("7 % 4 - -1", 4),
        ("10 - 3 - 2", 5),
        ("true || false && false", True),
        ("1 < 2 == true", True),
        ("false ? 1 : true ? 2 : 3", 2),
        ("!!true", True),
        ("--5", 5),
        ("-9223372036854775808", -(2**63)),
        ("0x1f", 31),
        ("0xFFu", 255),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.5e-1", 0.15),
        ("[1, 2,]", [1, 2]),
        ("{'a': 1,}", {"a": 1}),
        ("{}.size()", 0),
        ("1 // a comment\n + 1", 2),
        ("{'content-type': 1}.`content-type`", 1),
        ("[1, 2][1]", 2),
        ("'a' in ['a']", True),
    ],
)
def test_what_a_text_means(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"'\a\b\f\n\r\t\v\\\'\"\?\`'", "\a\b\f\n\r\t\v\\'\"?`"),
        (r"'\x41\101\u00e9\U0001F600'", "AAé😀"),
        (r"r'\n'", "\\n"),
        ('"""a\n"b"\n"""', 'a\n"b"\n'),
        ("'''it's'''", "it's"),
        (r"b'\xff\101é'", b"\xffA\xc3\xa9"),
        (r"br'\x'", b"\\x"),
    ],
)
def test_escapes_of_literals(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 +", "1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true'"),
        ("1 2", "1:3: Syntax error: mismatched input '2' expecting <EOF>"),
        ("(1", "1:3: Syntax error: mismatched input '<EOF>' expecting ')'"),
        ("s.in", "1:3: Syntax error: mismatched input 'in' expecting IDENTIFIER"),
        ("a # b", "1:3: Syntax error: token recognition error at: '#'"),
        ("'abc", "1:1: Syntax error: token recognition error at: ''abc'"),
        (r"'\q'", "1:1: Syntax error: token recognition error at:"),
        (r"b'\u0041'", "1:1: Syntax error: token recognition error at:"),
        (r"'\ud800'", "1:1: invalid unicode code point"),
        ("for", "1:1: reserved identifier: for"),
        ("9223372036854775808", "1:1: invalid int literal"),
        ("18446744073709551616u", "1:1: invalid uint literal"),
        ("1e999", "1:1: invalid double literal"),
        ("has(s)", "1:5: invalid argument to has() macro"),
        ("l.all(1, true)", "1:7: argument must be a simple name"),
        ("l.all(a, a, true)", "1:10: duplicate variable name: a"),
        ("l.map(__result__, 1)", "1:7: iteration variable overwrites accumulator variable"),
    ],
)
def test_what_is_no_expression(text: str, message: str) -> None:
    assert report(text).startswith(f"ERROR: <input>:{message}")


def test_a_report_shows_the_place() -> None:
    assert report("s == 'a' &&\n\t'é' == unknown") == (
        "ERROR: <input>:2:9: undeclared reference to 'unknown' (in container '')\n |  'é' == unknown\n | ..．.....^"
    )


def test_the_mark_is_as_wide_as_what_it_marks() -> None:
    assert report("'日本' + y").split("\n")[1:] == [" | '日本' + y", " | .．．....^"]


@pytest.mark.parametrize(
    "text",
    ["(" * 300 + "1" + ")" * 300, "[" * 300, "1" + "+1" * 300, "s" + ".a" * 300, "true?1:" * 300 + "1", "size(" * 5000],
)
def test_nesting_has_a_limit(text: str) -> None:
    with pytest.raises(cel.CompileError, match="expression recursion limit exceeded: 250"):
        parse(text)


def test_length_has_a_limit() -> None:
    with pytest.raises(cel.CompileError, match=f"code point size exceeds limit: size: 100001, limit {MAX_LENGTH}"):
        parse("1" + " " * MAX_LENGTH)


def test_a_long_chain_is_not_deep() -> None:
    assert value(" && ".join(["true"] * 5000)) is True
