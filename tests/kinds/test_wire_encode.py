"""Protobuf bodies as Go writes them."""

import base64
import json
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from tests.kinds import wire_samples

from steersman.api import codec
from steersman.kinds import catalog, wire, wire_encode, wire_fields
from steersman.kinds.types import apiextensions_v1, core_v1

TYPES = sorted(
    {
        (s.resource.api_version, s.resource.kind): s.type for s in catalog.load().served if wire_fields.known(s.type)
    }.items()
)


@pytest.mark.parametrize("cls", [cls for _, cls in TYPES], ids=[f"{v}-{k}" for (v, k), _ in TYPES])
@pytest.mark.parametrize("seed", range(3))
def test_every_kind_comes_back(cls: type[Any], seed: int) -> None:
    obj = wire_samples.make(cls, Random(seed))
    body = wire_encode.encode(obj)
    back, problems = codec.from_builtins(cls, wire.decode(cls, body))
    assert problems == []
    assert back == obj
    assert wire_encode.encode(back) == body


def test_a_namespace_is_what_kubectl_sends() -> None:
    namespace, _ = codec.from_builtins(
        core_v1.Namespace, {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "foo"}}
    )
    assert wire_encode.encode(namespace).hex() == (
        "6b3873000a0f0a02763112094e616d657370616365121b0a130a03666f6f12001a0022002a0032003800420012001a020a001a002200"
    )


KUBECTL = json.loads((Path(__file__).parent / "golden" / "kubectl_protobuf.json").read_text())


@pytest.mark.parametrize("sample", KUBECTL, ids=[sample["object"]["kind"] for sample in KUBECTL])
def test_what_kubectl_sends(sample: Any) -> None:
    """Bodies of `kubectl create` 1.32, which are Go's own encoding."""
    plain, body = sample["object"], base64.b64decode(sample["protobuf"])
    cls = dict(TYPES)[plain["apiVersion"], plain["kind"]]
    assert wire.decode(cls, body) == plain
    assert wire_encode.encode(codec.from_builtins(cls, plain)[0]) == body


def schema(**fields: Any) -> Any:
    return {"type": "object", "properties": {"a": fields}}


@pytest.mark.parametrize(
    "fields",
    [
        {"default": False},
        {"default": ""},
        {"default": {"b": [None, 1]}},
        {"enum": ["", 0, False]},
        {"additionalProperties": False},
        {"additionalProperties": True},
        {"additionalProperties": {"type": "string"}},
        {"items": {"type": "string"}},
        {"items": [{"type": "string"}, {"type": "integer"}]},
        {"dependencies": {"x": ["y"], "z": {"type": "object"}}},
        {"minimum": 0.0, "maximum": -1.5, "minLength": 0},
        {"x-kubernetes-preserve-unknown-fields": False},
    ],
)
def test_schemas(fields: dict[str, Any]) -> None:
    cls = apiextensions_v1.JSONSchemaProps
    obj = msgspec.convert(schema(**fields), cls)
    plain = wire.message(cls, wire_encode.message(cls)(obj))
    assert plain == schema(**fields)


def test_a_watch_event() -> None:
    """Its length, the type, and the body of an empty ConfigMap as raw bytes."""
    body = wire_encode.encode(core_v1.ConfigMap())
    assert body.hex() == (
        "6b387300" "0a0f0a0276311209436f6e6669674d6170" "12120a100a0012001a0022002a003200380042001a002200"
    )  # fmt: skip
    assert wire_encode.event("ADDED", body).hex() == "000000380a054144444544122f0a2d" + body.hex()
