"""Label selectors: parsing, messages, matching, and the way from LabelSelector objects."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import labels
from steersman.api.labels import Selector, SelectorError

PARSES = [
    ("", ""),
    ("a", "a"),
    ("!a", "!a"),
    ("a=b", "a=b"),
    ("a==b", "a==b"),
    ("a = b , c!=d", "a=b,c!=d"),
    ("x=,z= ", "x=,z="),
    ("b=1,a=2", "a=2,b=1"),
    ("x in (b,a)", "x in (a,b)"),
    ("x notin (a)", "x notin (a)"),
    ("x in ()", "x in ()"),
    ("x in (a,)", "x in (,a)"),
    ("x in (,a)", "x in (,a)"),
    ("x in (in,notin)", "x in (in,notin)"),
    ("in=notin", "in=notin"),
    ("x>1", "x>1"),
    ("x<7", "x<7"),
    ("example.com/a in (b),!c", "!c,example.com/a in (b)"),
]


@pytest.mark.parametrize(("text", "want"), sorted(PARSES))
def test_parse(text: str, want: str) -> None:
    got = str(labels.parse(text))
    assert sorted(got.split(",")) == sorted(want.split(","))
    assert labels.parse(got) == labels.parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("=a", "found '=', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("x in a", "unable to parse requirement: found 'a' expected: '('"),
        ("x in (a b)", "unable to parse requirement: found 'b', expected: ',' or ')'"),
        ("x in (=)", "unable to parse requirement: found '=', expected: ',', ')' or identifier"),
        ("x in", "unable to parse requirement: found '' expected: '('"),
        ("x=(", "unable to parse requirement: found '(', expected: identifier"),
        ("x>a", "unable to parse requirement: values[0]: Invalid value: \"a\": for 'Gt', 'Lt' operators, the value must be an integer"),
    ],
)  # fmt: skip
def test_errors(text: str, message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        labels.parse(text)
    assert str(caught.value) == message


def test_bad_keys_and_values_say_where_and_why() -> None:
    with pytest.raises(
        SelectorError, match=r'^unable to parse requirement: <nil>: Invalid value: "a/b/c": a valid label key'
    ):
        labels.parse("a/b/c=d")
    with pytest.raises(
        SelectorError, match=r'^unable to parse requirement: values\[0\]\[x\]: Invalid value: "-a": a valid label must'
    ):
        labels.parse("x=-a")


@pytest.mark.parametrize(
    ("text", "have", "want"),
    [
        ("", {}, True),
        ("a", {"a": ""}, True),
        ("a", {}, False),
        ("!a", {}, True),
        ("!a", {"a": "b"}, False),
        ("a=b", {"a": "b", "c": "d"}, True),
        ("a=b", {"a": "c"}, False),
        ("a!=b", {}, True),
        ("a!=b", {"a": "b"}, False),
        ("a in (b,c)", {"a": "c"}, True),
        ("a in (b,c)", {}, False),
        ("a notin (b,c)", {"a": "d"}, True),
        ("a notin (b,c)", {"a": "b"}, False),
        ("a=", {"a": ""}, True),
        ("a=", {}, False),
        ("a>1", {"a": "2"}, True),
        ("a>1", {"a": "1"}, False),
        ("a<1", {"a": "-5"}, True),
        ("a<1", {"a": "x"}, False),
        ("a<1", {}, False),
    ],
)
def test_matches(text: str, have: dict[str, str], want: bool) -> None:
    assert labels.parse(text).matches(have) is want


def test_everything_and_nothing() -> None:
    assert Selector.everything().matches(None)
    assert Selector.everything().empty
    assert not Selector.nothing().matches({})
    assert Selector.of({}) == Selector.everything()
    assert Selector.of({"a": "b"}).matches({"a": "b"})
    assert labels.parse("a=b,c") == labels.parse("c,a=b")
    assert hash(labels.parse("a=b,c")) == hash(labels.parse("c,a=b"))


def _expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


def test_from_object() -> None:
    assert labels.from_object(None) is Selector.nothing()
    assert labels.from_object({}) is Selector.everything()
    selector = {
        "matchLabels": {"a": "b"},
        "matchExpressions": [_expression("c", "In", "d", "e"), _expression("f", "DoesNotExist")],
    }
    assert str(labels.from_object(selector)) == "a=b,c in (d,e),!f"
    struct = SimpleNamespace(
        matchLabels={"a": "b"}, matchExpressions=[SimpleNamespace(key="c", operator="Exists", values=None)]
    )
    assert str(labels.from_object(struct)) == "a=b,c"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (_expression("a", "Sometimes"), '"Sometimes" is not a valid label selector operator'),
        (_expression("a", "In"), "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"),
        (_expression("a", "Exists", "b"), 'values: Invalid value: ["b"]: values set must be empty for exists and does not exist'),
    ],
)  # fmt: skip
def test_bad_objects(expression: dict[str, Any], message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        labels.from_object({"matchExpressions": [expression]})
    assert str(caught.value) == message


word = st.text("ab1", min_size=1, max_size=3)


@given(st.dictionaries(word, word, max_size=3), st.dictionaries(word, word, max_size=3))
def test_a_selector_of_labels_is_the_subset_test(wanted: dict[str, str], have: dict[str, str]) -> None:
    assert Selector.of(wanted).matches(have) == (wanted.items() <= have.items())
    assert labels.parse(str(Selector.of(wanted))) == Selector.of(wanted)


@given(st.text("ab=!(),<> in", max_size=12))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        selector = labels.parse(text)
    except SelectorError:
        return
    assert labels.parse(str(selector)) == selector
