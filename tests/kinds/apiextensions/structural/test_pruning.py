"""Pruning and defaulting, by schema and value."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from steersman.api import codec
from steersman.kinds.apiextensions.structural import defaulting
from steersman.kinds.apiextensions.structural.nodes import Node
from steersman.kinds.apiextensions.structural.pruning import prune
from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps

KEEP = {"x-kubernetes-preserve-unknown-fields": True}
EMBEDDED = {"type": "object", "x-kubernetes-embedded-resource": True}


def props(schema: Any) -> JSONSchemaProps:
    return codec.from_builtins(JSONSchemaProps, schema)[0]


def node(schema: Any) -> Node:
    return Node(props(schema))


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "value", "left", "unknown"),
    [
        (obj(a={"type": "string"}), {"a": "x", "b": 1}, {"a": "x"}, ["b"]),
        (obj(a=obj()), {"a": {"b": {"c": 1}, "d": 2}}, {"a": {}}, ["a.b", "a.d"]),
        (
            obj(a={"type": "array", "items": obj(x={})}),
            {"a": [{"x": 1, "y": 1}, {}]},
            {"a": [{"x": 1}, {}]},
            ["a[0].y"],
        ),
        ({"type": "object", **KEEP}, {"a": {"b": 1}}, {"a": {"b": 1}}, []),
        ({**obj(a=obj()), **KEEP}, {"a": {"b": 1}, "c": 1}, {"a": {}, "c": 1}, ["a.b"]),
        ({"type": "object", "additionalProperties": obj(x={})}, {"k": {"x": 1, "y": 2}}, {"k": {"x": 1}}, ["k.y"]),
        ({"type": "object", "additionalProperties": True}, {"k": {"x": 1}, "l": 1}, {"k": {}, "l": 1}, ["k.x"]),
        (
            obj(e={**EMBEDDED, **obj(spec=obj())}),
            {"e": {"apiVersion": "v1", "kind": "A", "metadata": {"x": 1}, "spec": {"y": 1}, "z": 1}},
            {"e": {"apiVersion": "v1", "kind": "A", "metadata": {"x": 1}, "spec": {}}},
            ["e.spec.y", "e.z"],
        ),
        (obj(a={"type": "integer"}), {"a": {"b": 1}}, {"a": {}}, ["a.b"]),
        (
            obj(a={"type": "array", **KEEP, "items": obj(x=obj())}),
            {"a": [{"x": {"z": 1}, "y": 1}]},
            {"a": [{"x": {}, "y": 1}]},
            ["a[0].x.z"],
        ),
    ],
)
def test_prune(schema: Any, value: Any, left: Any, unknown: list[str]) -> None:
    value = copy.deepcopy(value)
    assert prune(value, node(schema)) == unknown
    assert value == left


DEFAULTED = obj(
    a={"type": "string", "default": "x"},
    b={"type": "object", "default": {}, "properties": {"c": {"type": "integer", "default": 5}}},
    d={"type": "object", "properties": {"e": {"type": "string", "default": "y"}}},
    f={"type": "array", "items": {"type": "object", "properties": {"g": {"type": "integer", "default": 1}}}},
    n={"type": "string", "nullable": True, "default": "z"},
    m={"type": "object", "additionalProperties": {"type": "string", "default": "w"}},
)


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ({}, {"a": "x", "b": {"c": 5}, "n": "z"}),
        ({"a": "given", "n": None}, {"a": "given", "b": {"c": 5}, "n": None}),
        ({"a": None, "b": {"c": None}}, {"a": "x", "b": {"c": 5}, "n": "z"}),
        (
            {"d": {}, "f": [{}, {"g": 2}]},
            {"a": "x", "b": {"c": 5}, "n": "z", "d": {"e": "y"}, "f": [{"g": 1}, {"g": 2}]},
        ),
        ({"m": {"k": None}}, {"a": "x", "b": {"c": 5}, "n": "z", "m": {"k": "w"}}),
    ],
)
def test_defaults(value: Any, filled: Any) -> None:
    schema = node(DEFAULTED)
    defaulting.drop_nulls(value, schema)
    defaulting.apply(value, schema)
    assert value == filled
    # What was filled in belongs to the value alone.
    if "b" in value:
        value["b"]["c"] = 7
    fresh: dict[str, Any] = {}
    defaulting.apply(fresh, schema)
    assert fresh["b"] == {"c": 5}


def test_nulls_that_mean_nothing_are_dropped() -> None:
    schema = node(obj(a={"type": "string"}, b={"type": "string", "nullable": True}, c=obj(d={"type": "integer"})))
    value: dict[str, Any] = {"a": None, "b": None, "c": {"d": None}, "e": None}
    defaulting.drop_nulls(value, schema)
    assert value == {"b": None, "c": {}, "e": None}


def test_defaults_are_pruned_when_they_are_used() -> None:
    schema = node(obj(a={**obj(b={"type": "string"}), "default": {"b": "x", "c": 1}}))
    assert not defaulting.is_pruned(schema.properties["a"])
    defaulting.settle(schema)
    assert schema.properties["a"].default == {"b": "x"}
    assert defaulting.is_pruned(schema.properties["a"])
