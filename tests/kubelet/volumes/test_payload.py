"""What configMap, secret, downwardAPI and projected volumes hold."""

import pytest
from tests.kubelet.builders import container, pod
from tests.kubelet.test_env import Objects

from steersman.api import codec
from steersman.kinds.types.core_v1 import Volume
from steersman.kubelet.downward import NodeFacts
from steersman.kubelet.volumes.payload import PayloadContext, collect
from steersman.kubelet.volumes.problem import VolumeError

OBJECTS = Objects({"m": {"a": "1", "b": "2"}}, {"s": {"a": b"\xff\x00"}})


class Tokens:
    async def token(self, pod, audience, seconds):
        return f"token for {audience} {seconds}"


async def held(source, **spec):
    """path → (bytes, mode, user) of a volume."""
    volume = codec.from_builtins(Volume, {"name": "v", **source})[0]
    made = pod(metadata={"labels": {"x": "y"}}, **spec)
    context = PayloadContext(made, NodeFacts("n"), ("10.0.0.5",), OBJECTS, Tokens())
    found = await collect(volume, context)
    return None if found is None else {path: (f.data, f.mode, f.user) for path, f in found.items()}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"configMap": {"name": "m"}}, {"a": (b"1", 0o644, None), "b": (b"2", 0o644, None)}),
        ({"configMap": {"name": "m", "defaultMode": 0o400, "items": [{"key": "a", "path": "x/y"}]}}, {"x/y": (b"1", 0o400, None)}),
        ({"configMap": {"name": "m", "items": [{"key": "a", "path": "p", "mode": 0o777}]}}, {"p": (b"1", 0o777, None)}),
        ({"configMap": {"name": "none", "optional": True}}, {}),
        ({"configMap": {"name": "m", "optional": True, "items": [{"key": "z", "path": "z"}]}}, {}),
        ({"secret": {"secretName": "s"}}, {"a": (b"\xff\x00", 0o644, None)}),
        ({"secret": {"secretName": "none", "optional": True}}, {}),
        ({"downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}}, {"l": (b'x="y"', 0o644, None)}),
        (
            {"downwardAPI": {"items": [{"path": "c", "resourceFieldRef": {"containerName": "c", "resource": "limits.cpu"}}]}},
            {"c": (b"0", 0o644, None)},
        ),
        ({"emptyDir": {}}, None),
        (
            {"projected": {"sources": [
                {"configMap": {"name": "m", "items": [{"key": "a", "path": "map"}]}},
                {"secret": {"name": "s", "items": [{"key": "a", "path": "secret"}]}},
                {"downwardAPI": {"items": [{"path": "ns", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
                {"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 600}},
            ]}},
            {"map": (b"1", 0o644, None), "secret": (b"\xff\x00", 0o644, None), "ns": (b"default", 0o644, None),
             "token": (b"token for vault 600", 0o644, None)},
        ),
    ],
)  # fmt: skip
async def test_content(source, expected):
    assert await held(source) == expected


TOKEN = {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}


@pytest.mark.parametrize(
    ("spec", "mode", "user"),
    [
        ({}, 0o644, None),
        ({"securityContext": {"fsGroup": 2000}}, 0o600, None),
        ({"securityContext": {"fsGroup": 2000, "runAsUser": 1000}}, 0o600, 1000),
        ({"securityContext": {"runAsUser": 1000}}, 0o600, 1000),
        ({"containers": [container("a", securityContext={"runAsUser": 1}), container("b")]}, 0o644, None),
    ],
)
async def test_who_may_read_a_token(spec, mode, user):
    assert await held(TOKEN, **spec) == {"token": (b"token for  3600", mode, user)}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMap": {"name": "none"}}, 'configmaps "none" not found'),
        ({"secret": {"secretName": "none"}}, 'secrets "none" not found'),
        (
            {"configMap": {"name": "m", "items": [{"key": "z", "path": "z"}]}},
            "references non-existent configmap key: z",
        ),
        (
            {"secret": {"secretName": "s", "items": [{"key": "z", "path": "z"}]}},
            "references non-existent secret key: z",
        ),
        (
            {"downwardAPI": {"items": [{"path": "x", "fieldRef": {"fieldPath": "spec.odd"}}]}},
            "unsupported fieldPath: spec.odd",
        ),
        (
            {
                "downwardAPI": {
                    "items": [{"path": "x", "resourceFieldRef": {"containerName": "z", "resource": "limits.cpu"}}]
                }
            },
            "container z not found",
        ),
        ({"projected": {"sources": [{"configMap": {"name": "none"}}]}}, 'configmaps "none" not found'),
    ],
)
async def test_what_is_missing(source, message):
    with pytest.raises(VolumeError) as failed:
        await held(source)
    assert str(failed.value) == message
