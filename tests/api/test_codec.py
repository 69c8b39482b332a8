"""Decoding, strict problems, error messages, canonical scalars, copies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import codec
from steersman.api.codec import DecodeError
from steersman.kinds.types.apiextensions_v1 import CustomResourceDefinition, JSONSchemaProps
from steersman.kinds.types.apps_v1 import Deployment
from steersman.kinds.types.core_v1 import ConfigMap, Container, ObjectReference, Pod, PodSpec, Secret
from steersman.kinds.types.meta_v1 import ObjectMeta


def pod(**container: Any) -> bytes:
    return json.dumps({"kind": "Pod", "spec": {"containers": [{"name": "a", **container}]}}).encode()


def test_decode_drops_what_it_does_not_know() -> None:
    found = codec.decode(Pod, b'{"metadata":{"name":"x","creationTimestamp":null,"new":1},"spec":{"containers":null}}')
    assert found.metadata.name == "x"
    assert found.spec.containers == []


def test_bad_utf8_is_replaced() -> None:
    found = codec.decode(ConfigMap, b'{"data":{"a":"\xff"}}')
    assert found.data == {"a": "\ufffd"}


def test_half_a_surrogate_pair_is_replaced() -> None:
    text = rb'{"data":{"a":"\ud83d\ude00 \ud83d! \\ud800 \udc00"}}'
    found = codec.decode_lenient(ConfigMap, text)[0]
    assert found.data == {"a": "\U0001f600 \ufffd! \\ud800 \ufffd"}
    assert codec.decode(ConfigMap, codec.encode(found)) == found


@pytest.mark.parametrize(
    ("data", "problems"),
    [
        (b'{"spec":{"containers":[{"name":"a"}]}}', []),
        (b'{"spec":{"containers":[{"name":"a","foo":1}],"bar":2},"baz":3}',
         ['unknown field "spec.containers[0].foo"', 'unknown field "spec.bar"', 'unknown field "baz"']),
        (b'{"metadata":{"name":"a","name":"b"}}', ['duplicate field "metadata.name"']),
        (b'{"metadata":{"labels":{"x":"1","x":"2"}},"spec":{"zzz":{"a":{}}}}',
         ['duplicate field "metadata.labels.x"', 'unknown field "spec.zzz"']),
    ],
)  # fmt: skip
def test_strict_problems(data: bytes, problems: list[str]) -> None:
    assert codec.decode_lenient(Pod, data)[1] == problems


def test_duplicates_count_only_when_asked_for() -> None:
    found, problems = codec.decode_lenient(Pod, b'{"metadata":{"name":"a","name":"b"}}', strict=False)
    assert (found.metadata.name, problems) == ("b", [])


def test_yaml() -> None:
    text = (
        b"metadata:\n  name: x\n  labels: {a: '1', a: '2'}\nspec:\n  containers: [{name: c, image: 1.25x, nope: 1}]\n"
    )
    found, problems = codec.decode_lenient(Pod, text, media="yaml")
    assert found.spec.containers[0].image == "1.25x"
    repeated, unknown = 'line 3: key "a" already set in map', 'unknown field "spec.containers[0].nope"'
    assert problems == [f"yaml: unmarshal errors:\n  {repeated}", unknown]
    assert codec.warnings(problems) == [repeated, unknown]


def test_nulls_are_zero_values() -> None:
    found, problems = codec.decode_lenient(
        Pod,
        b'{"metadata":{"labels":{"a":null}},"status":null,'
        b'"spec":{"nodeName":null,"containers":[null,{"name":null,"command":["a",null]}]}}',
    )
    assert problems == []
    assert found.metadata.labels == {"a": ""}
    assert found.spec.containers == [Container(), Container(command=["a", ""])]


FIELD = "json: cannot unmarshal {} into Go struct field {} of type {}"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"spec":{"containers":"x"}}', FIELD.format("string", "PodSpec.spec.containers", "[]v1.Container")),
        (pod(name=3), FIELD.format("number", "Container.spec.containers.name", "string")),
        (pod(image=True), FIELD.format("bool", "Container.spec.containers.image", "string")),
        (pod(env={}), FIELD.format("object", "Container.spec.containers.env", "[]v1.EnvVar")),
        (pod(resources=[]), FIELD.format("array", "Container.spec.containers.resources", "v1.ResourceRequirements")),
        (pod(stdin="yes"), FIELD.format("string", "Container.spec.containers.stdin", "bool")),
        (b'{"metadata":{"labels":{"a":1}}}', FIELD.format("number", "ObjectMeta.metadata.labels.a", "string")),
        (b'{"metadata":{"labels":[]}}', FIELD.format("array", "ObjectMeta.metadata.labels", "map[string]string")),
        (b'{"spec":{"priority":1.5}}', FIELD.format("number 1.5", "PodSpec.spec.priority", "int32")),
        (b'{"spec":{"priority":3000000000}}', FIELD.format("number 3000000000", "PodSpec.spec.priority", "int32")),
        (b"[]", "json: cannot unmarshal array into Go value of type v1.Pod"),
        (b'"x"', "json: cannot unmarshal string into Go value of type v1.Pod"),
    ],
)
def test_type_errors(data: bytes, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        codec.decode_lenient(Pod, data)
    assert caught.value.message == message
    assert caught.value.code == 400
    assert not caught.value.syntax


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"x", "invalid character 'x' looking for beginning of value"),
        (b"", "unexpected end of JSON input"),
        (b'{"a":1', "unexpected end of JSON input"),
        (b'{"a":"x', "unexpected end of JSON input"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        (b"{a:1}", "invalid character 'a' looking for beginning of object key string"),
        (b"[1,]", "invalid character ']' looking for beginning of value"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b'{"a":["]"] "b":2}', "invalid character '\"' after object key:value pair"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a":1}x', "invalid character 'x' after top-level value"),
        (b'{"a":"\n"}', "invalid character '\\n' in string literal"),
        (b'{"a":"\\q"}', "invalid character 'q' in string escape code"),
        (b'{"a":NaN}', "invalid character 'N' looking for beginning of value"),
    ],
)
def test_broken_json(data: bytes, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        codec.decode_lenient(Pod, data)
    assert caught.value.message == message
    assert caught.value.syntax


def test_broken_yaml() -> None:
    with pytest.raises(DecodeError, match="error converting YAML to JSON: yaml: line ") as caught:
        codec.decode_lenient(Pod, b"a: [1\nb: 2", media="yaml")
    assert caught.value.syntax


@pytest.mark.parametrize(
    ("given_", "expected"),
    [(1, "1"), ("1000m", "1"), ("0.5", "500m"), (0.5, "500m"), ("1024Mi", "1Gi"), (0, "0")],
)
def test_quantities_become_canonical(given_: object, expected: str) -> None:
    found, _ = codec.decode_lenient(Pod, pod(resources={"limits": {"cpu": given_}}))
    resources = found.spec.containers[0].resources
    assert resources is not None
    assert resources.limits == {"cpu": expected}


def test_an_optional_quantity_of_zero() -> None:
    data = b'{"spec":{"containers":[],"volumes":[{"name":"v","emptyDir":{"sizeLimit":0}}]}}'
    volumes = codec.decode_lenient(Pod, data)[0].spec.volumes
    assert volumes is not None
    assert volumes[0].emptyDir is not None
    assert volumes[0].emptyDir.sizeLimit == "0"


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
        ("2020-01-01T00:00:00.5+02:00", "2019-12-31T22:00:00Z"),
        ("2020-01-01T00:00:00.123456789Z", "2020-01-01T00:00:00Z"),
    ],
)
def test_times_become_utc(given_: str, expected: str) -> None:
    found, _ = codec.from_builtins(Pod, {"status": {"startTime": given_}})
    assert found.status.startTime == expected


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (
            {"spec": {"containers": [{"resources": {"limits": {"cpu": "x"}}}]}},
            "spec.containers[0].resources.limits.cpu: ",
        ),
        ({"metadata": {"creationTimestamp": "yesterday"}}, "metadata.creationTimestamp: parsing time"),
        ({"metadata": {"creationTimestamp": "2020-13-01T00:00:00Z"}}, "metadata.creationTimestamp: parsing time"),
        ({"status": {"conditions": [{"lastProbeTime": "2020-01-01"}]}}, "status.conditions[0].lastProbeTime: "),
    ],
)
def test_malformed_scalars_are_named(value: dict[str, Any], where: str) -> None:
    with pytest.raises(DecodeError) as caught:
        codec.from_builtins(Pod, value)
    assert caught.value.message.startswith(where)


def test_byte_strings_are_base64() -> None:
    assert codec.from_builtins(Secret, {"data": {"a": "aGk=", "b": "aG\nk="}})[0].data == {"a": "aGk=", "b": "aGk="}
    with pytest.raises(DecodeError, match=r"data\.a: illegal base64 data at input byte 2"):
        codec.from_builtins(Secret, {"data": {"a": "aG*="}})


def test_unions_are_told_apart_by_their_json_type() -> None:
    schema = {"properties": {"a": {"items": {"type": "string", "odd": 1}, "additionalProperties": False}}}
    versions = [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]
    found, problems = codec.from_builtins(CustomResourceDefinition, {"spec": {"versions": versions}})
    assert problems == ['unknown field "spec.versions[0].schema.openAPIV3Schema.properties.a.items.odd"']
    inner = found.spec.versions[0].schema
    assert inner is not None
    assert codec.to_builtins(inner) == {
        "openAPIV3Schema": {"properties": {"a": {"items": {"type": "string"}, "additionalProperties": False}}}
    }


def test_from_builtins_leaves_its_argument_alone() -> None:
    value = {"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": 1}}}], "nodeName": None}}
    before = json.dumps(value)
    codec.from_builtins(Pod, value)
    assert json.dumps(value) == before


@pytest.mark.parametrize("number", ["1e400", "1" + "0" * 400, "1" + "0" * 5000])
def test_numbers_beyond_all_types(number: str) -> None:
    with pytest.raises(DecodeError, match="json: cannot unmarshal number"):
        codec.decode_lenient(JSONSchemaProps, b'{"maximum":%b}' % number.encode())


def test_clone_keeps_integers_of_any_size() -> None:
    schema = codec.decode(JSONSchemaProps, b'{"enum":[%d,%d]}' % (2**70, -(2**70)))
    assert codec.clone(schema).enum == [2**70, -(2**70)]


def test_clone_shares_nothing() -> None:
    original = Pod(metadata=ObjectMeta(name="a", labels={"x": "1"}), spec=PodSpec(containers=[Container(name="c")]))
    copy = codec.clone(original)
    assert copy == original
    assert copy.metadata.labels is not None
    copy.metadata.labels["x"] = "2"
    copy.spec.containers[0].name = "d"
    assert original.metadata.labels == {"x": "1"}
    assert original.spec.containers[0].name == "c"


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4)
)
NAMES = st.sampled_from(["metadata", "spec", "status", "containers", "name", "labels", "template", "replicas", "selector",
                         "resources", "limits", "env", "conditions", "strategy", "odd"])  # fmt: skip
VALUES = st.recursive(LEAVES, lambda v: st.lists(v, max_size=3) | st.dictionaries(NAMES, v, max_size=5), max_leaves=25)


@given(st.dictionaries(NAMES, VALUES, max_size=5), st.sampled_from([Pod, Deployment, ConfigMap, ObjectReference]))
def test_any_json_is_an_object_or_a_decode_error(value: dict[str, Any], cls: type[Any]) -> None:
    data = json.dumps(value).encode()
    try:
        found, _ = codec.decode_lenient(cls, data)
    except DecodeError:
        return
    assert codec.decode(cls, codec.encode(found)) == found
