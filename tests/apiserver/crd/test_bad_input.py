"""Whatever a client sends as a custom object or a definition, the server is not at fault."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.apiserver.crd.conftest import CRDS, GROUP, Customs, custom, definition, path, spec_schema, version
from tests.kinds.apiextensions.structural.test_pruning import props

from steersman.apiserver.openapi.service import OpenAPIService
from steersman.kinds.apiextensions.structural import defaulting, listtypes
from steersman.kinds.apiextensions.structural.nodes import Node, copied
from steersman.kinds.apiextensions.structural.pruning import prune
from steersman.kinds.apiextensions.structural.validation import Validator

STRING = {"type": "string"}
PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
NAMES = st.sampled_from(["a", "b", "c", "metadata", "kind", "apiVersion", "spec", ""])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)
LEAVES = st.sampled_from(
    [
        {"type": "string"}, {"type": "string", "default": "x"}, {"type": "integer", "maximum": 5}, {"type": "number"},
        {"type": "boolean", "nullable": True}, {"x-kubernetes-int-or-string": True}, {"type": "string", "format": "date"},
        {"x-kubernetes-preserve-unknown-fields": True}, {"type": "string", "enum": ["x"]},
    ]
)  # fmt: skip


def _grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(NAMES, inner, max_size=3)
    return (
        properties.map(lambda p: {"type": "object", "properties": p})
        | properties.map(lambda p: {"type": "object", "properties": p, "x-kubernetes-embedded-resource": True})
        | inner.map(lambda i: {"type": "array", "items": i})
        | inner.map(lambda i: {"type": "array", "items": i, "x-kubernetes-list-type": "set"})
        | inner.map(lambda i: {"type": "object", "additionalProperties": i})
        | st.tuples(inner, inner).map(lambda p: {**p[0], "anyOf": [p[1], {"maxLength": 3}]})
        | st.tuples(inner, inner).map(lambda p: {**p[0], "oneOf": [p[1], {"not": p[0]}]})
    )


SCHEMAS = st.recursive(LEAVES, _grown, max_leaves=8)


@given(schema=SCHEMAS, value=VALUES, old=VALUES)
@settings(max_examples=300, deadline=None)
def test_walks_never_fail(schema: Any, value: Any, old: Any) -> None:
    node = Node(props(schema))
    prune(value, node)
    once = copied(value)
    assert prune(value, node) == []
    assert value == once or value != value or json.dumps(value) == json.dumps(once)
    defaulting.drop_nulls(value, node)
    defaulting.apply(value, node)
    filled = copied(value)
    defaulting.apply(value, node)
    assert json.dumps(value) == json.dumps(filled)
    listtypes.validate(value, node)
    validator = Validator(props(schema))
    validator.validate(value)
    validator.validate(value, old)
    assert validator.validate(value, copied(value)) == [] or "oneOf" in json.dumps(schema)


@pytest.fixture
async def served(crds: Customs) -> Customs:
    schema = spec_schema(a=STRING, n={"type": "integer"}, any={"x-kubernetes-preserve-unknown-fields": True})
    await crds.define(definition("CronTab", version(schema=schema)))
    return crds


NUMBERS = [
    "1e400", "-1e400", "1" + "0" * 400, "1" + "0" * 5000, str(2**63), str(2**64), str(2**70), "1.0", "1e3", "-0", "1e-400",
]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
async def test_numbers(served: Customs, number: str) -> None:
    for place in ("n", "any", "a"):
        body = json.dumps(custom(place, spec={place: "NUMBER"})).replace('"NUMBER"', number).encode()
        response = await served.raw("POST", path(), body)
        assert response.status < 500, response.body
    assert (await served.raw("GET", path())).status == 200


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [100, 400, 900, 5000])
async def test_deep_values(served: Customs, opening: str, depth: int) -> None:
    closing = "]" if opening == "[" else "}"
    deep = opening * depth + "1" + closing * depth
    for place in ("any", "a", "unknown"):
        body = json.dumps(custom(place, spec={place: "DEEP"})).replace('"DEEP"', deep).encode()
        response = await served.raw("POST", path(), body)
        assert response.status < 500, response.body
        response = await served.raw(
            "PATCH", f"{path()}/{place}", body, {"content-type": "application/merge-patch+json"}
        )
        assert response.status < 500, response.body
    assert (await served.raw("GET", path())).status == 200


@pytest.mark.parametrize("depth", [50, 200, 900])
async def test_deep_schemas(crds: Customs, depth: int) -> None:
    deep = '{"type":"object","properties":{"a":' * depth + '{"type":"string"}' + "}}" * depth
    body = json.dumps(definition("CronTab", version(schema="DEEP"))).replace('"DEEP"', deep).encode()
    response = await crds.raw("POST", CRDS, body)
    assert response.status == {50: 201, 200: 422, 900: 400}[depth], response.body


LIMITS: list[tuple[str, str, str]] = [
    ("string", "minLength", "-1"), ("string", "maxLength", str(2**63 - 1)), ("string", "maxLength", str(2**70)),
    ("string", "minLength", "2.0"), ("array", "minItems", "-5"), ("object", "maxProperties", "-1"),
    ("number", "minimum", "-1e300"), ("number", "maximum", "1e400"), ("number", "maximum", "1" + "0" * 400),
    ("number", "minimum", str(2**64)), ("number", "multipleOf", "0"), ("number", "multipleOf", "-1"),
    ("integer", "enum", f"[{2**70}, -1, 1e300]"), ("integer", "default", str(2**63)), ("string", "enum", '["\\ud800"]'),
    ("string", "pattern", '"\\u0000"'), ("string", "title", '"\\ud83d"'),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "name", "value"), LIMITS)
async def test_limits_in_schemas(crds: Customs, type_: str, name: str, value: str) -> None:
    crds.app.openapi = OpenAPIService(crds.app.catalog, "v1.37.0")
    item = {"items": STRING} if type_ == "array" else {}
    schema = spec_schema(a={"type": type_, **item, name: "LIMIT"})
    body = json.dumps(definition("CronTab", version(schema=schema))).replace('"LIMIT"', value).encode()
    response = await crds.raw("POST", CRDS, body)
    assert response.status < 500, response.body
    if response.status == 201:
        await crds.established(f"crontabs.{GROUP}")
    for document, accept in (("v2", "*/*"), ("v2", PROTOBUF), (f"v3/apis/{GROUP}/v1", "*/*")):
        answer = await crds.raw("GET", f"/openapi/{document}", headers={"accept": accept})
        assert answer.status == (200 if document == "v2" or response.status == 201 else 404), answer.body
    answer = await crds.raw("POST", path(), custom("a", spec={"a": 1}))
    assert answer.status < 500, answer.body


@given(body=VALUES, schema=st.none() | SCHEMAS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_object_and_any_schema(served: Customs, body: Any, schema: Any) -> None:
    sent = body if isinstance(body, dict) else {"spec": body}
    for given_ in (sent, {**custom("x"), **sent}):
        response = await served.raw(
            "POST", path(), json.dumps(given_, allow_nan=False, default=str).encode() if _finite(given_) else b"{"
        )
        assert response.status < 500, response.body
    if schema is not None:
        crd = definition("Foo", version(schema={"type": "object", "properties": {"spec": schema}}))
        response = await served.raw("POST", f"{CRDS}?dryRun=All", crd)
        assert response.status < 500, response.body


def _finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True
