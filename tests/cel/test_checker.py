"""Static checking: types of sound expressions, and reports on the others."""

import pytest
from tests.cel.evaluating import ENV, KUBERNETES, report

from steersman import cel


@pytest.mark.parametrize(
    ("text", "type_name"),
    [
        ("1", "int"),
        ("1u", "uint"),
        ("1.0", "double"),
        ("null", "null"),
        ("l.map(v, string(v))", "list(string)"),
        ("{'a': l}", "map(string, list(int))"),
        ("[]", "list(dyn)"),
        ("[1, 'a']", "list(dyn)"),
        ("x.a", "dyn"),
        ("i > 0 ? [1] : []", "list(int)"),
        ("optional.of(i)", "optional_type(int)"),
        ("m.?k", "optional_type(dyn)"),
        ("type(i)", "type(int)"),
        ("timestamp(0) - timestamp(1)", "duration"),
        ("timestamp(0) + duration('1s')", "timestamp"),
        ("quantity('1')", "kubernetes.Quantity"),
        ("{'a': 1}.transformMap(k, v, k)", "map(string, string)"),
        ("l.transformList(a, b, a + b)", "list(int)"),
        ("x + 1", "int"),
        ("x == 1", "bool"),
    ],
)
def test_types(text: str, type_name: str) -> None:
    assert str(ENV.compile(text).result) == type_name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("unknown", "1:1: undeclared reference to 'unknown' (in container '')"),
        ("nosuch(1)", "1:7: undeclared reference to 'nosuch' (in container '')"),
        ("s.nosuch()", "1:9: undeclared reference to 'nosuch' (in container '')"),
        ("1 + 's'", "1:3: found no matching overload for '_+_' applied to '(int, string)'"),
        ("s.startsWith(1)", "1:13: found no matching overload for 'startsWith' applied to 'string.(int)'"),
        ("size(1)", "1:5: found no matching overload for 'size' applied to '(int)'"),
        ("i == 'a'", "1:3: found no matching overload for '_==_' applied to '(int, string)'"),
        ("i == null", "1:3: found no matching overload for '_==_' applied to '(int, null)'"),
        ("i && true", "1:1: expected type 'bool' but found 'int'"),
        ("i.a", "1:2: type 'int' does not support field selection"),
        ("i.all(v, true)", "1:1: expression of type 'int' cannot be range of a comprehension"),
        ("l.all(v, v)", "1:10: expected type 'bool' but found 'int'"),
        ("true ? 1 : 'a'", "1:6: found no matching overload for '_?_:_' applied to '(bool, int, string)'"),
        ("'a' in l", "1:5: found no matching overload for '@in' applied to '(string, list(int))'"),
        ("[?1]", "1:3: expected type 'optional_type(int)' but found 'int'"),
        ("Unknown{a: 1}", "1:8: undeclared reference to 'Unknown' (in container '')"),
        ("duration('1x')", "1:10: invalid duration argument"),
        ("timestamp('yesterday')", "1:11: invalid timestamp argument"),
        ("s.matches('(')", "1:11: invalid matches argument"),
        ("matches(s, '[')", "1:12: invalid matches argument"),
    ],
)
def test_reports(text: str, message: str) -> None:
    assert report(text).startswith(f"ERROR: <input>:{message}")


def test_every_issue_is_reported() -> None:
    assert report("a + b").count("undeclared reference") == 2


@pytest.mark.parametrize("text", ["[1, 'a']", "{'a': 1, 'b': 'c'}", "{1: 1, 'a': 1}", "[1, null]"])
def test_kubernetes_takes_no_mixed_literals(text: str) -> None:
    assert "expected type 'int' but found" in report(text, KUBERNETES)
    assert report(f"'%s'.format([{text}])", KUBERNETES) == ""


def test_a_pattern_that_cannot_be_found() -> None:
    assert report("s.find('(')") == "program instantiation failed: error parsing regexp: missing ): `(`"


@pytest.mark.parametrize(
    ("result", "text"),
    [(cel.STRING, "must evaluate to string"), ((cel.INT, cel.STRING), "must evaluate to int or string")],
)
def test_the_type_that_is_wanted(result: cel.Type | tuple[cel.Type, ...], text: str) -> None:
    with pytest.raises(cel.CompileError, match=text):
        ENV.compile("true", result)
    assert ENV.compile("true", cel.BOOL).evaluate({}) is True


def test_local_variables_hide_others() -> None:
    assert ENV.compile("l.map(i, i * 2)").uses == {"l"}
    assert ENV.compile("l.map(v, i)").uses == {"l", "i"}


def test_a_variable_may_have_a_dotted_name() -> None:
    env = cel.Env({"a.b": cel.INT, "a": cel.map_of(cel.STRING, cel.STRING)})
    assert env.compile("a.b + 1").measure({"a.b": 2})[0] == 3
    assert env.compile("a.c").measure({"a": {"c": "d"}})[0] == "d"


def test_kubernetes_has_no_bindings() -> None:
    assert "undeclared reference to 'bind'" in report("cel.bind(a, 1, a)", KUBERNETES)
