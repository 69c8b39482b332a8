"""Sets of field paths: their written form, their order, and their algebra against sets of tuples."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import fieldset
from steersman.api.fieldset import FieldSet, FieldSetError, Path

WRITTEN = {
    "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
    "f:spec": {
        "f:containers": {'k:{"name":"web"}': {".": {}, "f:image": {}}},
        "f:finalizers": {'v:"a"': {}, "v:1": {}},
        "f:selector": {},
    },
}
MEMBERS = {
    ("f:metadata", "f:labels"),
    ("f:metadata", "f:labels", "f:app"),
    ("f:spec", "f:containers", 'k:{"name":"web"}'),
    ("f:spec", "f:containers", 'k:{"name":"web"}', "f:image"),
    ("f:spec", "f:finalizers", 'v:"a"'),
    ("f:spec", "f:finalizers", "v:1"),
    ("f:spec", "f:selector"),
}


def test_written_form() -> None:
    assert set(fieldset.paths(fieldset.parse(WRITTEN))) == MEMBERS
    assert fieldset.from_paths(MEMBERS) == WRITTEN
    assert all(fieldset.has(WRITTEN, m) for m in MEMBERS)
    for path in [(), ("f:spec",), ("f:spec", "f:selector", "f:x"), ("f:status",)]:
        assert not fieldset.has(WRITTEN, path)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ({'k:{"port":80, "name": "a"}': {}}, {'k:{"name":"a","port":80}': {}}),
        ({'k:{"port":80.0}': {}}, {'k:{"port":80}': {}}),
        ({"v: 1.5": {}, "v:2.0": {}}, {"v:1.5": {}, "v:2": {}}),
        ({"v:true": {}, "v:null": {}}, {"v:true": {}, "v:null": {}}),
        ({'v:"<a&b>"': {}}, {'v:"\\u003ca\\u0026b\\u003e"': {}}),
        ({"i:03": {}}, {"i:3": {}}),
        ({"z:unknown": {}, "f:a": {}}, {"f:a": {}}),
        ({"f:a": {".": {}}}, {"f:a": {}}),
        ({".": {}, "f:a": {}}, {"f:a": {}}),
        ({'k:{"a":1}': {"f:x": {}}, 'k:{ "a":1}': {"f:y": {}}}, {'k:{"a":1}': {"f:x": {}, "f:y": {}}}),
        ({}, {}),
    ],
)
def test_canonical_form(written: Any, canonical: Any) -> None:
    assert fieldset.parse(written) == canonical


@pytest.mark.parametrize(
    "written", [{"f": {}}, {"abc": {}}, {"v:{": {}}, {"k:1": {}}, {"k:{": {}}, {"i:x": {}}, [], "x"]
)
def test_malformed(written: Any) -> None:
    with pytest.raises(FieldSetError):
        fieldset.parse(written)


def test_order() -> None:
    elements = [
        "i:2",
        "i:10",
        'v:"a"',
        "v:3",
        "v:20",
        "v:true",
        'k:{"p":80}',
        'k:{"p":443}',
        'k:{"n":"z"}',
        "f:b",
        "f:a",
    ]
    ordered = fieldset.ordered({"f:x": {e: {} for e in elements} | {".": {}}})
    assert list(ordered["f:x"]) == [
        ".", "f:a", "f:b", 'k:{"n":"z"}', 'k:{"p":80}', 'k:{"p":443}', "v:3", "v:20", 'v:"a"', "v:true", "i:2", "i:10",
    ]  # fmt: skip
    assert json.dumps(fieldset.ordered({"f:b": {"f:d": {}, "f:c": {}}, "f:a": {}})) == (
        '{"f:a": {}, "f:b": {"f:c": {}, "f:d": {}}}'
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("f:spec", "f:replicas"), ".spec.replicas"),
        (("f:a", 'k:{"name":"x","port":80}', "f:b"), '.a[name="x",port=80].b'),
        (("f:a", 'v:"x"'), '.a[="x"]'),
        (("f:a", "v:true"), ".a[=true]"),
        (("f:a", "i:3"), ".a[3]"),
        (("f:a.b/c",), ".a.b/c"),
    ],
)
def test_describe(path: Path, text: str) -> None:
    assert fieldset.describe(path) == text


def test_elements() -> None:
    assert fieldset.key({"b": 1, "a": "x"}) == 'k:{"a":"x","b":1}'
    assert fieldset.scalar_key(("b", "a"), 1, "x") == 'k:{"a":"x","b":1}'
    assert (fieldset.value("x"), fieldset.value(1), fieldset.value(True), fieldset.value(1.0)) == (
        'v:"x"', "v:1", "v:true", "v:1",
    )  # fmt: skip


ELEMENTS = st.sampled_from(["f:a", "f:b", 'k:{"n":"x"}', "v:1"])
PATHS = st.sets(st.lists(ELEMENTS, min_size=1, max_size=4).map(tuple), max_size=12)


def well_formed(fields: FieldSet) -> bool:
    """No marker at the top, no marker alone, and every branch leads to a member."""
    if fieldset.SELF in fields:
        return False
    return all(_well_formed(below) for below in fields.values())


def _well_formed(node: FieldSet) -> bool:
    return list(node) != [fieldset.SELF] and all(
        b == {} if e == fieldset.SELF else _well_formed(b) for e, b in node.items()
    )


@given(PATHS, PATHS)
def test_algebra(a: set[Path], b: set[Path]) -> None:
    left, right = fieldset.from_paths(a), fieldset.from_paths(b)
    before = json.dumps([left, right])
    expected = {
        "union": a | b,
        "difference": a - b,
        "intersection": a & b,
        "recursive_difference": {p for p in a if not any(p[: n + 1] in b for n in range(len(p)))},
    }
    for name, members in expected.items():
        result = getattr(fieldset, name)(left, right)
        assert set(fieldset.paths(result)) == members, name
        assert well_formed(result), name
        assert result == fieldset.from_paths(members), name
    assert json.dumps([left, right]) == before


@given(PATHS)
def test_round_trip(members: set[Path]) -> None:
    fields = fieldset.from_paths(members)
    assert well_formed(fields)
    assert fieldset.parse(json.loads(json.dumps(fieldset.ordered(fields)))) == fields
    assert list(fieldset.paths(fieldset.ordered(fields))) == list(
        fieldset.paths(fieldset.ordered(fieldset.from_paths(sorted(members))))
    )
