"""Definitions of types: what has no type, because clients would refuse other values than the one it names."""

import pytest

from steersman.apiserver.openapi.schemas import Builder
from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps
from steersman.kinds.types.apps_v1 import ControllerRevision

REFERENCE = "#/definitions/"


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        ("default", {}),
        ("example", {}),
        ("enum", {"type": "array", "items": {}, "x-kubernetes-list-type": "atomic"}),
        ("items", {}),
        ("additionalProperties", {}),
        ("dependencies", {"type": "object", "additionalProperties": {}}),
        ("minimum", {"type": "number", "format": "double"}),
    ],
)
def test_any_json_and_choices_have_no_type(field: str, schema: dict[str, object]) -> None:
    builder = Builder(REFERENCE)
    name = builder.add(JSONSchemaProps)
    assert builder.definitions[name]["properties"][field] == schema


def test_raw_objects_are_objects() -> None:
    builder = Builder(REFERENCE)
    name = builder.add(ControllerRevision)
    assert builder.definitions[name]["properties"]["data"] == {"type": "object"}
