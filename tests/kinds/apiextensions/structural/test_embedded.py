"""Objects inside objects: their metadata in its form, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kinds.apiextensions.structural.test_pruning import node, obj

from steersman.kinds.apiextensions.structural import embedded
from steersman.kinds.apiextensions.structural.embedded import CoerceError

SCHEMA = obj(e={"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True})


def value(**more: Any) -> dict[str, Any]:
    return {"e": {"apiVersion": "v1", "kind": "Pod", **more}}


def test_unknown_metadata_are_dropped_and_told() -> None:
    given = value(metadata={"name": "x", "foo": 1, "creationTimestamp": None})
    assert embedded.coerce(given, node(SCHEMA)) == ["e.metadata.foo"]
    assert given["e"]["metadata"] == {"name": "x"}


def test_malformed_metadata() -> None:
    with pytest.raises(CoerceError, match=r"e\.metadata"):
        embedded.coerce(value(metadata={"labels": 5}), node(SCHEMA))
    with pytest.raises(CoerceError, match="must be a string"):
        embedded.coerce({"e": {"kind": 5}}, node(SCHEMA))
    stored = value(metadata={"labels": 5, "name": "x"})
    stored["e"]["kind"] = 5
    embedded.coerce(stored, node(SCHEMA), lenient=True)
    assert stored["e"] == {"apiVersion": "v1", "metadata": {"name": "x"}}


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        (value(), []),
        ({"e": {}}, ["e.apiVersion: Required value", "e.kind: Required value"]),
        ({"e": {"apiVersion": "", "kind": ""}}, [
            'e.apiVersion: Invalid value: "": must not be empty', 'e.kind: Invalid value: "": must not be empty',
        ]),
        ({"e": {"apiVersion": "a/b/c", "kind": "Pod"}}, [
            'e.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
        ]),
        (value(metadata={"name": "."}), ['e.metadata.name: Invalid value: ".": may not be \'.\'']),
    ],
)  # fmt: skip
def test_validate(given: Any, messages: list[str]) -> None:
    assert [str(e) for e in embedded.validate(given, node(SCHEMA))] == messages
