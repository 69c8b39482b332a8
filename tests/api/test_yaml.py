"""YAML: the scalars of Kubernetes' tools, duplicates, aliases, bombs, and that nothing but YAMLError comes out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import yaml
from steersman.api.yaml import YAMLError


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("1", 1), ("-3", -3), ("+5", 5), ("0755", 493), ("0o17", 15), ("0x1F", 31), ("1_000", 1000), ("08", 8.0),
        (".5", 0.5), ("1e3", 1000.0), ("1.5", 1.5), ("1.5.2", "1.5.2"), ("10.0.0.1", "10.0.0.1"), ("1:30", "1:30"),
        ("2001-01-01", "2001-01-01"), ("2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"), ("yes", True), ("off", False),
        ("true", True), ("n", "n"), ("~", None), ("null", None), ("''", ""), ("'1'", "1"), ('"yes"', "yes"),
        ("!!str 123", "123"), ("!!int '5'", 5), ("!!binary aGk=", "hi"), ("|\n  1\n", "1\n"), ("-", [None]), ("1Gi", "1Gi"),
        ("{a: 1, b: [x]}", {"a": 1, "b": ["x"]}), ("{1: a, true: b, 1.5: c}", {"1": "a", "true": "b", "1.5": "c"}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: &x {p: 1, q: 1}\nb: {<<: *x, q: 2}", {"a": {"p": 1, "q": 1}, "b": {"p": 1, "q": 2}}),
        ("b: {<<: [{p: 1}, {p: 2, q: 2}]}", {"b": {"p": 1, "q": 2}}),
        ("'<<': 1", {"<<": 1}),
        ("", None), ("# nothing\n", None), ("--- {}\n", {}),
    ],
)  # fmt: skip
def test_values(text: str, want: Any) -> None:
    got = yaml.load(text)
    assert got == want
    assert type(got) is type(want)


def test_bytes_and_aliased_values_are_separate() -> None:
    got = yaml.load("a: &x {k: [ü]}\nb: *x".encode())
    got["a"]["k"].append(1)
    assert got["b"] == {"k": ["ü"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c", "yaml: line 1: mapping values are not allowed in this context"),
        ("a: 1\nb: 1\na: 2", 'yaml: line 3: key "a" already set in map'),
        ("a: &x [*x]", "yaml: unknown anchor 'x' referenced"),
        ("a: *x", "yaml: unknown anchor 'x' referenced"),
        ("\t", "yaml: line 1: found character that cannot start any token"),
        ("a: .inf", "json: unsupported value: .inf"),
        ("a: 1e999", "json: unsupported value: 1e999"),
        ("~: 1", "yaml: line 1: a map's key must be a scalar and not null"),
        ("? [a]\n: b", "yaml: line 1: a map's key must be a scalar and not null"),
        ("{<<: 1}", "yaml: map merge requires map or sequence of maps as the value"),
        ("[" * 100_000, "yaml: exceeded max depth"),
        ("{a: " * 100_000, "yaml: exceeded max depth"),
        ("- " * 100_000, "yaml: exceeded max depth"),
    ],
)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(YAMLError) as caught:
        yaml.load(text)
    assert str(caught.value) == f"error converting YAML to JSON: {message}"


def test_an_alias_bomb_is_refused() -> None:
    levels = [f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    with pytest.raises(YAMLError, match="excessive aliasing"):
        yaml.load("\n".join(["a: &a [1,1,1,1,1,1,1,1,1]", *levels]))


def test_duplicates_can_be_collected_instead() -> None:
    seen: list[str] = []
    text = "spec: {replicas: 1, replicas: 2, c: [{a: 1, a: 2, a: 3}]}"
    assert yaml.load(text, duplicates=seen) == {"spec": {"replicas": 2, "c": [{"a": 3}]}}
    keys = [f'line 1: key "{key}" already set in map' for key in ("replicas", "a", "a")]
    assert seen == keys
    assert yaml.unmarshal_errors(seen) == "\n  ".join(["yaml: unmarshal errors:", *keys])


def test_documents() -> None:
    assert yaml.load_all("a: 1\n---\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]
    assert yaml.load_all("") == []
    with pytest.raises(YAMLError, match="another document"):
        yaml.load("a: 1\n---\nb: 2\n")


def test_dump_keeps_the_order() -> None:
    assert yaml.dump({"b": [1, {"c": "yes"}], "a": None}) == "b:\n- 1\n- c: 'yes'\na: null\n"


@pytest.mark.parametrize(
    "text", ["08", "09_1", "1e3", "-1E+3", "0o17", "+.iNF", ".nan", "1_000", "0b1", "5.", "0x", "_1", "1:30"]
)
def test_text_like_a_number_stays_text(text: str) -> None:
    for value in (text, [text], {text: text}):
        assert yaml.load(yaml.dump(value)) == value


# What reads like a number, too; Kubernetes' tools and PyYAML do not agree on what that is.
texts = st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=5) | st.text(
    "0189+-._xobeEinfaN:", max_size=6
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_what_is_dumped_loads_again(value: Any) -> None:
    assert yaml.load(yaml.dump(value)) == value


@given(st.text("ab:-[]{}&*!|>'\"#%@,? \n\t01.", max_size=30) | st.binary(max_size=20))
def test_any_text_loads_or_is_refused(text: str | bytes) -> None:
    message = ""
    try:
        yaml.load(text)
    except YAMLError as e:
        message = str(e)
    assert "\n" not in message
