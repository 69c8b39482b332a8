"""Custom resources merge as their schemas say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from steersman.api.typed import TypedError
from steersman.api.typed_walk import fields_of, validate
from steersman.kinds.apiextensions.typed_schema import typed_schema
from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps

TEXT = {"type": "string"}
SPEC: dict[str, Any] = {
    "size": {"type": "integer"},
    "weight": {"type": "number"},
    "on": {"type": "boolean"},
    "port": {"x-kubernetes-int-or-string": True},
    "anything": {"x-kubernetes-preserve-unknown-fields": True},
    "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"known": TEXT}},
    "labels": {"type": "object", "additionalProperties": TEXT},
    "loose": {"type": "object", "additionalProperties": True},
    "ref": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"name": TEXT}},
    "words": {"type": "array", "items": TEXT},
    "tags": {"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"},
    "ports": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["port", "protocol"],
        "items": {
            "type": "object",
            "properties": {"port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}},
        },
    },
    "template": {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "x-kubernetes-preserve-unknown-fields": True,
    },
}
SCHEMA = typed_schema(
    msgspec.convert({"type": "object", "properties": {"spec": {"type": "object", "properties": SPEC}}}, JSONSchemaProps)
)
M: Any = {".": {}}


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"size": 1, "weight": 1.5, "on": True}, {"f:size": {}, "f:weight": {}, "f:on": {}}),
        ({"port": "http"}, {"f:port": {}}),
        ({"anything": {"a": {"b": 1}}}, {"f:anything": {"f:a": {**M, "f:b": {}}}}),
        ({"anything": [1]}, {"f:anything": {}}),
        ({"open": {"known": "x", "other": [1]}}, {"f:open": {"f:known": {}, "f:other": {}}}),
        ({"labels": {"a": "b"}}, {"f:labels": {"f:a": {}}}),
        ({"loose": {"a": {"b": "c"}}}, {"f:loose": {"f:a": {**M, "f:b": {}}}}),
        ({"ref": {"name": "x"}}, {"f:ref": {}}),
        ({"words": ["a"]}, {"f:words": {}}),
        ({"tags": ["a"]}, {"f:tags": {'v:"a"': {}}}),
        ({"ports": [{"port": 80}]}, {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {**M, "f:port": {}}}}),
        (
            {"template": {"metadata": {"finalizers": ["f"]}, "more": 1}},
            {"f:template": {"f:metadata": {"f:finalizers": {'v:"f"': {}}}, "f:more": {}}},
        ),
    ],
)
def test_fields(spec: Any, fields: Any) -> None:
    value = {"kind": "K", "apiVersion": "a/v1", "metadata": {"labels": {"a": "b"}}, "spec": spec}
    validate(SCHEMA, value)
    found = fields_of(SCHEMA, value)
    assert found == {
        "f:kind": {}, "f:apiVersion": {}, "f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": fields,
    }  # fmt: skip


def test_wrong_values() -> None:
    with pytest.raises(TypedError) as caught:
        validate(SCHEMA, {"spec": {"size": "x", "foo": 1}, "more": 1})
    assert caught.value.messages == [
        ".spec.size: expected numeric (int or float), got string",
        ".spec.foo: field not declared in schema",
        ".more: field not declared in schema",
    ]


def test_no_schema() -> None:
    value = {"metadata": {"name": "x"}, "spec": {"a": {"b": [1]}}}
    validate(typed_schema(None), value)
    assert fields_of(typed_schema(None), value)["f:spec"] == {".": {}, "f:a": {".": {}, "f:b": {}}}
