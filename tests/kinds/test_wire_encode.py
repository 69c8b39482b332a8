"""Protobuf bodies as Go writes them."""

from random import Random
from typing import Any

import pytest
from tests.kinds import wire_samples

from steersman.api import codec
from steersman.kinds import catalog, wire, wire_encode
from steersman.kinds.types import core_v1

TYPES = sorted({(s.resource.api_version, s.resource.kind): s.type for s in catalog.load().served}.items())


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
