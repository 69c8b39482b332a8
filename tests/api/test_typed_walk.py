"""Which fields a value has, how values differ, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from tests.api.typed_samples import DOCUMENTS, SCHEMA

from steersman.api import fieldset
from steersman.api.typed import DEDUCED, ListType, Node, TypedError
from steersman.api.typed_walk import Comparison, added_fields, compare, fields_of, validate

L: Any = {}
M = {".": {}}

FIELDS: list[tuple[str, Any, Any, Any]] = [
    ("scalar", {"count": 1}, {"f:count": L}, {"f:count": L}),
    ("null", {"count": None, "labels": None}, {"f:count": L, "f:labels": L}, {"f:count": L, "f:labels": L}),
    ("empty map", {"labels": {}}, {"f:labels": L}, {"f:labels": L}),
    (
        "map",
        {"labels": {"b": "1", "a": "2"}},
        {"f:labels": {"f:a": L, "f:b": L}},
        {"f:labels": {**M, "f:a": L, "f:b": L}},
    ),
    ("atomic map", {"selector": {"a": "1"}}, {"f:selector": L}, {"f:selector": L}),
    ("struct", {"nested": {"text": "x"}}, {"f:nested": {"f:text": L}}, {"f:nested": {**M, "f:text": L}}),
    ("empty struct", {"nested": {}}, {"f:nested": L}, {"f:nested": L}),
    ("atomic struct", {"ref": {"kind": "x"}}, {"f:ref": L}, {"f:ref": L}),
    ("atomic field", {"whole": {"name": "x"}}, {"f:whole": L}, {"f:whole": L}),
    ("granular field", {"claim": {"kind": "x"}}, {"f:claim": {"f:kind": L}}, {"f:claim": {**M, "f:kind": L}}),
    ("atomic list", {"args": ["a"]}, {"f:args": L}, {"f:args": L}),
    ("empty atomic list", {"args": []}, {"f:args": L}, {"f:args": L}),
    ("empty list", {"items": []}, {}, {"f:items": L}),
    ("set", {"tags": ["b", "a"]}, {"f:tags": {'v:"a"': L, 'v:"b"': L}}, {"f:tags": {**M, 'v:"a"': L, 'v:"b"': L}}),
    (
        "keyed list",
        {"items": [{"name": "b", "image": "x"}, {"name": "a"}]},
        {"f:items": {'k:{"name":"a"}': {**M, "f:name": L}, 'k:{"name":"b"}': {**M, "f:image": L, "f:name": L}}},
        {"f:items": {**M, 'k:{"name":"a"}': {**M, "f:name": L}, 'k:{"name":"b"}': {**M, "f:image": L, "f:name": L}}},
    ),
    (
        "default of a key",
        {"items": [{"name": "a", "ports": [{"port": 80}, {"port": 80, "protocol": "UDP"}]}]},
        {
            "f:items": {
                'k:{"name":"a"}': {
                    **M,
                    "f:name": L,
                    "f:ports": {
                        'k:{"port":80,"protocol":"TCP"}': {**M, "f:port": L},
                        'k:{"port":80,"protocol":"UDP"}': {**M, "f:port": L, "f:protocol": L},
                    },
                }
            }
        },
        None,
    ),
    ("repeated items", {"tags": ["a", "a"]}, {"f:tags": {'v:"a"': L}}, None),
    ("by merge key", {"old": [{"name": "a"}]}, {"f:old": {'k:{"name":"a"}': {**M, "f:name": L}}}, None),
    ("by merge strategy", {"words": ["a"]}, {"f:words": {'v:"a"': L}}, None),
    (
        "unknown type",
        {"raw": {"a": {"b": 1}, "c": [{"d": 1}]}},
        {"f:raw": {"f:a": {**M, "f:b": L}, "f:c": L}},
        {"f:raw": {**M, "f:a": {**M, "f:b": L}, "f:c": L}},
    ),
    ("unknown scalar", {"raw": 1}, {"f:raw": L}, {"f:raw": L}),
]


@pytest.mark.parametrize(("value", "stated", "added"), [c[1:] for c in FIELDS], ids=[c[0] for c in FIELDS])
def test_fields(value: Any, stated: Any, added: Any) -> None:
    assert fields_of(SCHEMA, value) == stated
    if added is not None:
        assert added_fields(SCHEMA, value) == added
        assert compare(SCHEMA, {}, value) == (added, {})
        assert compare(SCHEMA, value, {}) == ({}, added)


COMPARISONS: list[tuple[str, Any, Any, Any, Any]] = [
    ("value", {"count": 1}, {"count": 2}, {"f:count": L}, {}),
    ("null to value", {"count": None}, {"count": 2}, {"f:count": L}, {}),
    ("key", {"labels": {"a": "1", "b": "1"}}, {"labels": {"a": "2", "c": "1"}},
     {"f:labels": {"f:a": L, "f:c": L}}, {"f:labels": {"f:b": L}}),
    ("first key", {"labels": {}}, {"labels": {"a": "1"}}, {"f:labels": {"f:a": L}}, {}),
    ("null to keys", {"labels": None}, {"labels": {"a": "1"}}, {"f:labels": {"f:a": L}}, {}),
    ("keys to null", {"labels": {"a": "1"}}, {"labels": None}, {}, {"f:labels": {"f:a": L}}),
    ("null to empty", {"labels": None}, {"labels": {}}, {"f:labels": L}, {}),
    ("atomic map", {"selector": {"a": "1"}}, {"selector": {"b": "1"}}, {"f:selector": L}, {}),
    ("atomic list", {"args": ["a"]}, {"args": ["a", "b"]}, {"f:args": L}, {}),
    ("order of a set", {"tags": ["a", "b"]}, {"tags": ["b", "a"]}, {}, {}),
    ("set", {"tags": ["a", "b"]}, {"tags": ["c", "b"]}, {"f:tags": {'v:"c"': L}}, {"f:tags": {'v:"a"': L}}),
    ("order of items", {"items": [{"name": "a"}, {"name": "b"}]}, {"items": [{"name": "b"}, {"name": "a"}]}, {}, {}),
    ("item", {"items": [{"name": "a", "image": "x"}]}, {"items": [{"name": "a", "image": "y"}]},
     {"f:items": {'k:{"name":"a"}': {"f:image": L}}}, {}),
    ("item for item", {"items": [{"name": "a"}]}, {"items": [{"name": "b"}]},
     {"f:items": {'k:{"name":"b"}': {**M, "f:name": L}}}, {"f:items": {'k:{"name":"a"}': {**M, "f:name": L}}}),
    ("more of the same", {"tags": ["a"]}, {"tags": ["a", "a"]}, {"f:tags": {'v:"a"': L}}, {"f:tags": {'v:"a"': L}}),
    ("fewer of the same", {"tags": ["a", "a"]}, {"tags": ["a"]}, {"f:tags": {'v:"a"': L}}, {"f:tags": {'v:"a"': L}}),
    ("several of the same", {"tags": ["a", "a"]}, {"tags": ["a", "a", "a"]}, {"f:tags": {'v:"a"': L}}, {}),
    ("scalar to map", {"raw": 1}, {"raw": {"a": 1}}, {"f:raw": {**M, "f:a": L}}, {}),
    ("map to scalar", {"raw": {"a": 1}}, {"raw": 1}, {"f:raw": L}, {"f:raw": {"f:a": L}}),
    ("map to list", {"raw": {"a": 1}}, {"raw": [1]}, {"f:raw": L}, {"f:raw": {"f:a": L}}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "changed", "removed"), [c[1:] for c in COMPARISONS], ids=[c[0] for c in COMPARISONS]
)
def test_compare(old: Any, new: Any, changed: Any, removed: Any) -> None:
    assert compare(SCHEMA, old, new) == Comparison(changed, removed)


@given(DOCUMENTS, DOCUMENTS)
def test_comparison_explains_every_field(old: Any, new: Any) -> None:
    """What is there afterwards was there before and stayed, or is told of; what is gone is told of."""
    changed, removed = compare(SCHEMA, old, new)
    before, after = added_fields(SCHEMA, old), added_fields(SCHEMA, new)
    assert fieldset.difference(fieldset.difference(after, before), changed) == {}
    assert fieldset.difference(changed, after) == {}
    assert fieldset.difference(removed, before) == {}
    assert fieldset.difference(fieldset.difference(before, removed), fieldset.union(after, changed)) == {}
    assert compare(SCHEMA, new, new) == ({}, {})


@given(DOCUMENTS)
def test_documents_are_valid(value: Any) -> None:
    validate(SCHEMA, value)
    assert fieldset.difference(fields_of(SCHEMA, value), added_fields(SCHEMA, value)) == {}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"count": "1"}, ".count: expected numeric (int or float), got string"),
        ({"count": True}, ".count: expected numeric (int or float), got bool"),
        ({"text": 1}, ".text: expected string, got &value.valueUnstructured{Value:1}"),
        ({"text": ["a"]}, '.text: expected string, got &value.valueUnstructured{Value:[]interface {}{"a"}}'),
        ({"flag": "x"}, ".flag: expected boolean, got &{x}"),
        ({"size": {"a": 1}}, ".size: expected any scalar, got &{map[a:1]}"),
        ({"labels": "x"}, ".labels: expected map, got &{x}"),
        ({"items": {"a": True}}, ".items: expected list, got &{map[a:true]}"),
        ({"nested": {"foo": 1}}, ".nested.foo: field not declared in schema"),
        ({"args": ["a", 1]}, ".args[1]: expected string, got &value.valueUnstructured{Value:1}"),
        ({"tags": ["a", "a"]}, '.tags: duplicate entries for key [="a"]'),
        ({"items": [{"name": "a"}, {"name": "a"}]}, '.items: duplicate entries for key [name="a"]'),
        ({"items": [{"name": "a", "x": 1}]}, '.items[name="a"].x: field not declared in schema'),
        (
            {"items": [{"image": "a"}]},
            '.items: element 0: associative list with keys has an element that omits all key fields ["name"] '
            "(and doesn't have default values for any key fields)",
        ),
        ({"items": [None]}, ".items: element 0: associative list with keys may not have a null element"),
        ({"items": [1]}, ".items: element 0: associative list with keys may not have non-map elements"),
        ({"tags": [{}]}, ".tags: element 0: associative list without keys has an element that's a map type"),
        ({"tags": [[]]}, ".tags: element 0: not supported: associative list with lists as elements"),
        ({"tags": [None]}, ".tags: element 0: associative list without keys has an element that's an explicit null"),
        ({"count": "1", "foo": 1}, "errors:\n  .count: expected numeric (int or float), got string\n"
         "  .foo: field not declared in schema"),
    ],
)  # fmt: skip
def test_validate(value: Any, message: str) -> None:
    with pytest.raises(TypedError) as caught:
        validate(SCHEMA, value)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [1, "a", None, [1, {"a": 1}], {"a": {"b": [None]}}])
def test_anything_is_valid_where_the_type_is_unknown(value: Any) -> None:
    validate(DEDUCED, value)
    validate(Node(list=ListType(DEDUCED)), None)
