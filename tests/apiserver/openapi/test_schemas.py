"""Definitions of types: what has no type, because clients would refuse other values than the one it names."""

import pytest

from steersman.apiserver.openapi.schemas import Builder
from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps
from steersman.kinds.types.apps_v1 import ControllerRevision

REFERENCE = "#/definitions/"


PACKAGE = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."


def reference(name: str) -> dict[str, object]:
    return {"$ref": REFERENCE + PACKAGE + name}


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        ("default", reference("JSON")),
        ("example", reference("JSON")),
        ("enum", {"type": "array", "items": reference("JSON"), "x-kubernetes-list-type": "atomic"}),
        ("items", reference("JSONSchemaPropsOrArray")),
        ("additionalProperties", reference("JSONSchemaPropsOrBool")),
        ("dependencies", {"type": "object", "additionalProperties": reference("JSONSchemaPropsOrStringArray")}),
        ("not", reference("JSONSchemaProps")),
        ("minimum", {"type": "number", "format": "double"}),
    ],
)
def test_fields_of_a_schema(field: str, schema: dict[str, object]) -> None:
    builder = Builder(REFERENCE)
    name = builder.add(JSONSchemaProps)
    assert builder.definitions[name]["properties"][field] == schema


@pytest.mark.parametrize(
    "name", ["JSON", "JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool", "JSONSchemaPropsOrStringArray"]
)
def test_any_json_and_choices_have_no_type_and_are_not_empty(name: str) -> None:
    builder = Builder(REFERENCE)
    builder.add(JSONSchemaProps)
    assert list(builder.definitions[PACKAGE + name]) == ["description"]


def test_raw_objects_are_objects() -> None:
    builder = Builder(REFERENCE)
    name = builder.add(ControllerRevision)
    assert builder.definitions[name]["properties"]["data"] == {"type": "object"}
