"""Sets and maps: what is there twice."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kinds.apiextensions.structural.test_pruning import node, obj

from steersman.kinds.apiextensions.structural import listtypes

SET = {"type": "array", "x-kubernetes-list-type": "set", "items": {"x-kubernetes-preserve-unknown-fields": True}}


def keyed(*keys: str) -> dict[str, Any]:
    items = obj(**{k: {"type": "string"} for k in ("a", "b", "c")})
    return {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys), "items": items}


@pytest.mark.parametrize(
    ("schema", "value", "messages"),
    [
        (SET, ["a", "b"], []),
        (SET, ["a", "b", "a", "a"], ['x[2]: Duplicate value: "a"']),
        (SET, [1, True, "1", 1.5], []),
        (SET, [{"a": 1, "b": 2}, {"b": 2, "a": 1}], ['x[1]: Duplicate value: {"a":1,"b":2}']),
        (keyed("a"), [{"a": "1"}, {"a": "2"}], []),
        (keyed("a"), [{"a": "1", "c": "x"}, {"a": "1"}], ['x[1]: Duplicate value: {"a":"1"}']),
        (keyed("a"), [{}, {}], ["x[1]: Duplicate value: {}"]),
        (keyed("a", "b"), [{"a": "1", "b": "1"}, {"a": "1", "b": "2"}], []),
        (keyed("a", "b"), [{"a": "1", "b": "1"}, {"b": "1", "a": "1"}], ['x[1]: Duplicate value: {"a":"1","b":"1"}']),
        (keyed("a"), ["s"], ['x[0]: Invalid value: "s": must be an object for an array of list-type map']),
        ({"type": "object", "additionalProperties": SET}, {"k": [1, 1]}, ["x[k][1]: Duplicate value: 1"]),
    ],
)
def test_duplicates(schema: Any, value: Any, messages: list[str]) -> None:
    assert [str(e) for e in listtypes.validate({"x": value}, node(obj(x=schema)))] == messages
