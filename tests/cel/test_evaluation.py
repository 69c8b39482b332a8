"""The semantics of the language, area by area."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cel.evaluating import ENV, KUBERNETES, failure, report, value

from steersman import cel
from steersman.cel.equality import compare, equal

MAX, MIN = 2**63 - 1, -(2**63)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9223372036854775807 + 1", "integer overflow"),
        ("-9223372036854775808 - 1", "integer overflow"),
        ("9223372036854775807 * 2", "integer overflow"),
        ("-(-9223372036854775808)", "integer overflow"),
        ("-9223372036854775808 / -1", "integer overflow"),
        ("-9223372036854775808 % -1", "integer overflow"),
        ("1u - 2u", "unsigned integer overflow"),
        ("18446744073709551615u + 1u", "unsigned integer overflow"),
        ("1 / 0", "division by zero"),
        ("1u % 0u", "modulus by zero"),
        ("int(9223372036854775808.0)", "integer overflow"),
        ("uint(-1)", "unsigned integer overflow"),
        ("int('a')", 'strconv.ParseInt: parsing "a": invalid syntax'),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "timestamp overflow"),
        ("[1][1]", "index out of bounds: 1"),
        ("{'a': 1}['b']", "no such key: b"),
        ("{'a': 1}.b", "no such key: b"),
        ("{1: 1}[true]", "found no matching"),
        ("dyn(1) + dyn('a')", "no such overload"),
        ("dyn('a').b", "no such overload"),
        ("optional.none().value()", "optional.none() dereference"),
        ("string(b'\\xff')", "invalid UTF-8 in bytes, cannot convert to string"),
        ("dyn(0.0/0.0) < 1", "NaN values cannot be ordered"),
        ("{'a': 1, 'b': 2}.transformMapEntry(k, v, {'c': v})", "insert failed: key c already exists"),
    ],
)
def test_errors(text: str, message: str) -> None:
    assert message in (failure(text) if not report(text) else report(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7 % -2", 1),
        ("1.0 / 0.0", math.inf),
        ("-1.0 / 0.0", -math.inf),
        ("0.1 + 0.2", 0.1 + 0.2),
        ("3u / 2u", 1),
        ("'a' + 'b'", "ab"),
        ("b'a' + b'b'", b"ab"),
        ("[1] + [2]", [1, 2]),
        ("duration('1h') + duration('30m') == duration('90m')", True),
        ("dyn(1) == 1.0 && dyn(1) == 1u && dyn(1u) == 1.0", True),
        ("dyn(1) == true", False),
        ("dyn([1, true]) == [1.0, true]", True),
        ("dyn({'a': 1}) == {'a': 1.0}", True),
        ("dyn('1') == 1", False),
        ("null == dyn(null)", True),
        ("0.0/0.0 == 0.0/0.0", False),
        ("1 < 1.5 && 2u > 1 && 1.0 <= 1u", True),
        ("9223372036854775807 < 9223372036854775808u", True),
        ("b'a' < b'b' && 'a' < 'ä' && false < true", True),
        ("1.0 in dyn([1, 2])", True),
        ("'k' in m && !('z' in m)", True),
        ("type(1) == int && type(null) == null_type && type(type(1)) == type", True),
        ("type(timestamp(0)) == google.protobuf.Timestamp", True),
        ("size('héllo') + size(b'é') + [1].size() + size({})", 8),
        ("dyn([1, 2])[1.0]", 2),
        ("{1: 'a', 2: 'b'}[2]", "b"),
        ("{true: 1}[true]", 1),
        ("dyn({1: 'int'})[1u]", "int"),
        ("dyn(1) in {true: 1}", False),
        ("x.a.b", 2),
    ],
)
def test_values(text: str, expected: object) -> None:
    found = value(text)
    assert type(found) is type(expected) or isinstance(found, int)
    assert found == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int('-5')", -5),
        ("int(2.9)", 2),
        ("int(-2.9)", -2),
        ("int(timestamp('1970-01-01T00:01:00Z'))", 60),
        ("uint('7')", 7),
        ("double('1e3')", 1000.0),
        ("double(3)", 3.0),
        ("string(1.0)", "1"),
        ("string(1e100)", "1e+100"),
        ("string(1.5e-7)", "1.5e-07"),
        ("string(-0.001)", "-0.001"),
        ("string(123456789.25)", "123456789.25"),
        ("string(true)", "true"),
        ("string(duration('1h1.5s'))", "3601.5s"),
        ("string(timestamp('2020-02-29T12:00:00.5+02:00'))", "2020-02-29T12:00:00.5+02:00"),
        ("string(timestamp(0))", "1970-01-01T00:00:00Z"),
        ("bytes('é')", b"\xc3\xa9"),
        ("bool('true') && !bool('F')", True),
        ("int(duration('1us'))", 1000),
        ("duration('-1h30m') < duration('0')", True),
        ("duration('1.5h') == duration('5400s') && duration('1ms2us3ns') == duration('1002003ns')", True),
        ("timestamp('2020-01-01T00:00:00+01:00') == timestamp('2019-12-31T23:00:00Z')", True),
    ],
)
def test_conversions(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("getter", "expected"),
    [
        ("getFullYear()", 2009),
        ("getMonth()", 1),
        ("getDate()", 13),
        ("getDayOfMonth()", 12),
        ("getDayOfYear()", 43),
        ("getDayOfWeek()", 5),
        ("getHours()", 23),
        ("getMinutes()", 31),
        ("getSeconds()", 20),
        ("getMilliseconds()", 123),
        ("getHours('Europe/Berlin')", 0),
        ("getDate('+02:00')", 14),
        ("getHours('-08:30')", 15),
    ],
)
def test_parts_of_an_instant(getter: str, expected: int) -> None:
    assert value(f"timestamp('2009-02-13T23:31:20.123456789Z').{getter}") == expected


def test_parts_of_a_duration() -> None:
    assert value("duration('3661.5s').getHours()") == 1
    assert value("duration('3661.5s').getMinutes()") == 61
    assert value("duration('-3661.5s').getSeconds()") == -3661
    assert value("duration('3661.5s').getMilliseconds()") == 3661500


def test_an_unknown_zone() -> None:
    assert failure("timestamp(0).getHours('Moon/Base')") == "unknown time zone Moon/Base"
    assert failure("timestamp(0).getHours('../etc')") == "unknown time zone ../etc"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("false && 1 / 0 > 0", False),
        ("1 / 0 > 0 && false", False),
        ("true || 1 / 0 > 0", True),
        ("1 / 0 > 0 || true", True),
        ("1 / 0 > 0 || x.nope || true", True),
        ("x.nope && x.none && false", False),
        ("true ? 1 : 1 / 0", 1),
        ("[1, 0].exists(v, 2 / v == 2)", True),
        ("[0, 1].exists(v, 2 / v == 2)", True),
        ("[0, 4].all(v, 2 / v == 2)", False),
        ("[].all(v, 1 / 0 > 0)", True),
        ("has(x.a) && !has(x.b)", True),
        ("has(m.n)", True),
        ("[1, 2, 3].exists_one(v, v > 2)", True),
        ("[1, 2, 3].existsOne(v, v > 1)", False),
        ("[1, 2, 3].map(v, v > 1, v * 10)", [20, 30]),
        ("[1, 2, 3].filter(v, v != 2)", [1, 3]),
        ("{'a': 1, 'b': 2}.map(k, k)", ["a", "b"]),
        ("{'a': 1, 'b': 2}.all(k, v, v > 0 && k != '')", True),
        ("['a', 'b'].exists(n, v, n == 1 && v == 'b')", True),
        ("['a', 'b'].transformList(n, v, n > 0, v)", ["b"]),
        ("['a', 'b'].transformMap(n, v, v)", {0: "a", 1: "b"}),
        ("{'a': 'b'}.transformMapEntry(k, v, {v: k})", {"b": "a"}),
        ("{'a': 1}.transformMap(k, v, v > 1, v)", {}),
        ("[[1], [2, 3]].map(v, v.map(w, w + 1))", [[2], [3, 4]]),
        ("[1, 2].map(v, [3].map(v, v))", [[3], [3]]),
        ("cel.bind(a, l.size(), a + a)", 6),
    ],
)
def test_logic_and_macros(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / 0 > 0 && true", "division by zero"),
        ("x.nope || x.none || false", "no such key: nope"),
        ("[0, 1].all(v, 2 / v == 2)", "division by zero"),
        ("[0].exists(v, 2 / v == 2)", "division by zero"),
        ("[0, 2].exists_one(v, 2 / v == 1)", "division by zero"),
        ("x.a && true", "no such overload"),
        ("x.a ? 1 : 2", "no such overload"),
        ("dyn(1).all(v, true)", "got 'int', expected iterable type"),
    ],
)
def test_errors_that_nothing_absorbs(text: str, message: str) -> None:
    assert failure(text) == message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m.?k.orValue(0)", 1),
        ("m.?z.orValue(0)", 0),
        ("m.?z.hasValue()", False),
        ("m[?'k'].value()", 1),
        ("l[?1].value()", 1),
        ("l[?9].hasValue()", False),
        ("optional.of(x).a.b.value()", 2),
        ("x.?z.b.hasValue()", False),
        ("optional.none().or(optional.of(1)).value()", 1),
        ("optional.of(1).orValue(1 / 0)", 1),
        ("optional.of(2).optMap(v, v + 1).value()", 3),
        ("optional.of(2).optFlatMap(v, optional.of(v * 2)).value()", 4),
        ("optional.none().optMap(v, v).hasValue()", False),
        ("optional.ofNonZeroValue(0).hasValue() || optional.ofNonZeroValue('').hasValue()", False),
        ("[?optional.none(), ?optional.of(1), 2]", [1, 2]),
        ("{?'a': optional.none(), 'b': 1}", {"b": 1}),
        ("optional.of(1) == optional.of(1)", True),
        ("optional.none() == optional.of(1)", False),
        ("[1, 2].first().value() + [1, 2].last().value()", 3),
        ("optional.unwrap([optional.of(1), optional.none()])", [1]),
    ],
)
def test_optionals(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("timestamp('2020-01-01T00:00:00Z')", "2020-01-01T00:00:00Z"),
        ("[duration('1m'), duration('1s')]", ["60s", "1s"]),
        ("b'ab'", "YWI="),
        ("{'a': optional.of(1u)}", {"a": 1}),
        ("optional.none()", None),
    ],
)
def test_results_are_plain(text: str, expected: object) -> None:
    assert ENV.compile(text).evaluate({}) == expected


def test_a_variable_must_be_given() -> None:
    with pytest.raises(cel.EvalError, match=r"no such attribute\(s\): i"):
        ENV.compile("i + 1").evaluate({})


def test_data_of_another_type_than_declared_is_an_error() -> None:
    with pytest.raises(cel.EvalError, match="no such overload"):
        KUBERNETES.compile("i < 1").evaluate({"i": "x"})


NUMBERS = st.one_of(st.integers(MIN, MAX), st.floats(allow_nan=False), st.integers(0, 2**64 - 1).map(cel.Uint))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)),
    max_leaves=8,
)


@given(JSON, JSON)
def test_equality_is_symmetric_and_reflexive(a: object, b: object) -> None:
    assert equal(a, a)
    assert equal(a, b) == equal(b, a)


@given(NUMBERS, NUMBERS)
def test_order_agrees_with_equality(a: float, b: float) -> None:
    assert compare(a, b) == -compare(b, a)
    assert (compare(a, b) == 0) == equal(a, b)


@given(st.integers(MIN, MAX), st.integers(MIN, MAX))
def test_arithmetic_is_pythons_or_an_overflow(a: int, b: int) -> None:
    env = cel.Env({"a": cel.INT, "b": cel.INT})
    for operator, expected in (("+", a + b), ("-", a - b), ("*", a * b)):
        program = env.compile(f"a {operator} b")
        if MIN <= expected <= MAX:
            assert program.evaluate({"a": a, "b": b}) == expected
        else:
            with pytest.raises(cel.EvalError, match="integer overflow"):
                program.evaluate({"a": a, "b": b})


@given(st.integers(MIN + 1, MAX), st.integers(MIN + 1, MAX).filter(bool))
def test_division_rounds_towards_zero(a: int, b: int) -> None:
    env = cel.Env({"a": cel.INT, "b": cel.INT})
    quotient = env.compile("a / b").evaluate({"a": a, "b": b})
    rest = env.compile("a % b").evaluate({"a": a, "b": b})
    assert quotient * b + rest == a
    assert abs(rest) < abs(b)
    assert rest == 0 or (rest < 0) == (a < 0)


Logic = tuple[str, bool | None]
"""An expression of logic, and what it comes to: None for an error."""


def _and(a: Logic, b: Logic) -> Logic:
    outcome = False if False in (a[1], b[1]) else None if None in (a[1], b[1]) else True
    return f"({a[0]} && {b[0]})", outcome


def _or(a: Logic, b: Logic) -> Logic:
    outcome = True if True in (a[1], b[1]) else None if None in (a[1], b[1]) else False
    return f"({a[0]} || {b[0]})", outcome


def _choice(a: Logic, b: Logic, c: Logic) -> Logic:
    return f"({a[0]} ? {b[0]} : {c[0]})", None if a[1] is None else b[1] if a[1] else c[1]


def _not(a: Logic) -> Logic:
    return f"!{a[0]}", None if a[1] is None else not a[1]


def _every(a: Logic, b: Logic) -> Logic:
    return f"[0, 1].all(v, v == 0 ? {a[0]} : {b[0]})", _and(a, b)[1]


def _some(a: Logic, b: Logic) -> Logic:
    return f"[0, 1].exists(v, v == 0 ? {a[0]} : {b[0]})", _or(a, b)[1]


LOGIC = st.recursive(
    st.sampled_from([("true", True), ("false", False), ("1 / 0 > 0", None), ("x.nope", None)]),
    lambda inner: st.one_of(
        st.builds(_and, inner, inner),
        st.builds(_or, inner, inner),
        st.builds(_every, inner, inner),
        st.builds(_some, inner, inner),
        st.builds(_choice, inner, inner, inner),
        st.builds(_not, inner.map(lambda a: (f"({a[0]})", a[1]))),
    ),
    max_leaves=10,
)


@given(LOGIC)
def test_logic_absorbs_errors_as_three_valued_logic_says(expression: Logic) -> None:
    text, expected = expression
    if expected is None:
        assert failure(text) != ""
    else:
        assert value(text) is expected


@given(st.lists(st.integers(-9, 9), max_size=6))
def test_macros_are_loops(items: list[int]) -> None:
    env = cel.Env({"items": cel.list_of(cel.INT)})
    for text, expected in (
        ("items.all(v, v > 0)", all(v > 0 for v in items)),
        ("items.exists(v, v > 5)", any(v > 5 for v in items)),
        ("items.exists_one(v, v == 3)", items.count(3) == 1),
        ("items.filter(v, v % 2 == 0).map(v, v * v)", [v * v for v in items if v % 2 == 0]),
        ("items.sortBy(v, -v)", sorted(items, reverse=True)),
        ("items.transformMap(at, v, v > 0, v)", {at: v for at, v in enumerate(items) if v > 0}),
        ("items.sum()", sum(items)),
        ("items.isSorted()", items == sorted(items)),
    ):
        assert env.compile(text).evaluate({"items": items}) == expected
