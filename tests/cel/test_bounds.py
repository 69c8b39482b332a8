"""No expression and no data makes the language hang, fill the memory or fail in a way of its own."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cel.evaluating import report

from steersman import cel

ENV = cel.Env(
    {
        "l": cel.list_of(cel.INT),
        "s": cel.STRING,
        "n": cel.list_of(cel.list_of(cel.INT)),
        "d": cel.DYN,
        "i": cel.INT,
        "m": cel.map_of(cel.STRING, cel.DYN),
    },
    cel.EVERYTHING,
)
LARGE = {
    "l": list(range(50_000)),
    "s": "a" * 1_000_000,
    "n": [list(range(1000))] * 200,
    "d": {f"k{n}": n for n in range(20_000)},
}


@pytest.mark.parametrize(
    "text",
    [
        "l.all(a, l.all(b, l.all(c, true)))",
        "lists.range(1000000).map(i, lists.range(1000000))",
        "l.all(a, size(l + l) > 0)",
        "l.all(a, n == n)",
        "l.all(a, d == d)",
        "n.map(x, n).distinct()",
        "n.map(x, n).map(x, n).indexOf([])",
        "s.replace('', s)",
        "n.map(x, s).join(s)",
        "l.all(a, '%s'.format([l]) != '')",
        "l.all(a, 'x'.matches('^' + string(a) + '$') || true)",
        "s.contains(s)",
        "cel.bind(a, l + l, cel.bind(b, a + a, cel.bind(c, b + b, cel.bind(e, c + c, cel.bind(f, e + e, f + f)))))",
        "optional.of(1)" + ".optMap(a, a)" * 60,
        "l" + ".map(x, x)" * 100,
    ],
)
def test_what_would_run_long_is_stopped(text: str) -> None:
    with pytest.raises(cel.CostLimitExceeded):
        ENV.compile(text).evaluate(LARGE)


@pytest.mark.parametrize(
    "text",
    ["s.matches('(a*)*b')", "s.matches('(a|a)*$')", "'" + "a" * 40 + "!'.matches('(a+)+$')"],
)
def test_no_pattern_runs_long(text: str) -> None:
    assert ENV.compile(text).evaluate(LARGE) in (True, False)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 50_000,
        "!" * 90_000 + "true",
        "-" * 90_000 + "1",
        '"""' * 30_000,
        "'''" + "\\" * 90_000,
        "9" * 99_000,
        "1e" + "9" * 90_000,
        "l" + "[0]" * 30_000,
        "size(" * 16_000,
        "l.all(a," * 10_000,
        "true?1:" * 14_000 + "1",
        "optional.of(1)" + ".optMap(a, a)" * 6_000,
        " && ".join(["[]==[]"] * 2_000),
        "[" + "1," * 20_000 + "1]",
        "`" * 90_000,
    ],
)
def test_no_text_compiles_long(text: str) -> None:
    with suppress(cel.CompileError):
        ENV.compile(text).cost_estimate()


def test_data_that_is_nested_too_deeply() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(cel.EvalError, match="nested too deeply"):
        ENV.compile("d == d").evaluate({"d": deep})


ATOMS = st.sampled_from(
    [
        "l",
        "s",
        "d",
        "i",
        "m",
        "1",
        "-5",
        "2u",
        "1.5",
        "'a'",
        "b'x'",
        "true",
        "null",
        "[]",
        "{}",
        "[1,2]",
        "{'a':1}",
        "duration('1h')",
        "timestamp(0)",
        "dyn(1)",
        "d.a",
        "m.?k",
        "optional.of(1)",
        "optional.none()",
        "quantity('1')",
        "ip('::1')",
        "cidr('10.0.0.0/8')",
        "semver('1.0.0')",
        "url('http://a')",
        "type(1)",
        "9223372036854775807",
        "dyn([1])",
        "dyn('x')",
        "'%s%d'",
        "0",
        "''",
    ]
)
NAMES = st.sampled_from(
    sorted(name for name in {o.function for lib in cel.EVERYTHING for o in lib.overloads} if name[0].isalpha())
)
OPERATORS = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in"])
MACROS = st.sampled_from(["all", "exists", "exists_one", "map", "filter", "sortBy", "optMap"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, inner, OPERATORS, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("has({}.a)".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{{}: {}}}".format, inner, inner),
        st.builds("{}.{}(v, {})".format, inner, MACROS, inner),
        st.builds("{}.transformMap(v, w, {})".format, inner, inner),
        st.builds("{}({})".format, NAMES, inner),
        st.builds("{}({}, {})".format, NAMES, inner, inner),
        st.builds("{}.{}()".format, inner, NAMES),
        st.builds("{}.{}({})".format, inner, NAMES, inner),
    )


SMALL = {"l": [3, 1, 2], "s": "hello", "n": [[1]], "d": {"a": [1, {"b": None}]}, "i": 7, "m": {"k": 1}}


@given(st.recursive(ATOMS, _grown, max_leaves=12))
@settings(max_examples=400, deadline=None)
def test_any_expression_ends_in_a_value_or_an_error(text: str) -> None:
    with suppress(cel.CompileError, cel.EvalError):
        program = ENV.compile(text)
        assert program.cost_estimate().low >= 0
        program.evaluate(SMALL)


@given(st.text(alphabet="lsid.()[]{}'\"\\?:,+-*/%!&|=<>`#r b0x19ue\n", max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_an_expression_or_an_error(text: str) -> None:
    found = report(text, ENV)
    assert found == "" or found.startswith(("ERROR: <input>:", "program instantiation failed"))
