"""Protobuf bodies as kubectl sends them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import codec
from steersman.api.codec import DecodeError
from steersman.kinds import wire
from steersman.kinds.types import authorization_v1, autoscaling_v1, core_v1, meta_v1


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def data(field: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def envelope(version: str, kind: str, raw: bytes) -> bytes:
    return wire.MAGIC + data(1, data(1, version) + data(2, kind)) + data(2, raw) + data(3, "") + data(4, "")


def test_a_namespace_of_kubectl() -> None:
    raw = bytes.fromhex(
        "6b3873000a0f0a02763112094e616d657370616365121b0a130a03666f6f12001a0022002a0032003800420012001a020a001a002200"
    )
    assert wire.decode(core_v1.Namespace, raw) == {
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": {"name": "foo"},
        "spec": {},
        "status": {},
    }


CONTAINER = (
    data(1, "c")
    + data(2, "img")
    + data(3, "sh")
    + data(3, "-c")
    + data(6, data(1, "web") + number(2, 0) + number(3, 80) + data(4, "TCP") + data(5, ""))
    + data(7, data(1, "A") + data(2, "") + data(3, data(4, data(1, data(1, "secret")) + data(2, "key"))))
    + data(8, data(2, data(1, "cpu") + data(2, data(1, "100m"))))
    + data(10, data(1, data(2, data(1, "/") + data(2, number(1, 1) + number(2, 0) + data(3, "web")))) + number(2, 3))
    + data(15, number(5, 1) + number(4, 0))
)
POD = data(1, data(1, "a") + data(8, number(1, 1800000000)) + data(11, data(1, "k") + data(2, "v"))) + data(
    2,
    data(1, data(1, "v") + data(2, data(2, b"")))
    + data(2, CONTAINER)
    + number(4, 0)
    + number(11, 0)
    + number(21, 0)
    + data(22, data(1, "t") + number(5, -1)),
)


def test_a_pod() -> None:
    plain = wire.decode(core_v1.Pod, envelope("v1", "Pod", POD))
    assert plain["metadata"] == {"name": "a", "creationTimestamp": "2027-01-15T08:00:00Z", "labels": {"k": "v"}}
    spec: dict[str, Any] = plain["spec"]
    # A pointer's zero means zero, any other's means absent.
    assert spec["terminationGracePeriodSeconds"] == 0
    assert spec["automountServiceAccountToken"] is False
    assert "hostNetwork" not in spec
    # Embedded messages belong to the outer object.
    assert spec["volumes"] == [{"name": "v", "emptyDir": {}}]
    assert spec["tolerations"] == [{"key": "t", "tolerationSeconds": -1}]
    (container,) = spec["containers"]
    assert container == {
        "name": "c",
        "image": "img",
        "command": ["sh", "-c"],
        "ports": [{"name": "web", "containerPort": 80, "protocol": "TCP"}],
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "key"}}}],
        "resources": {"requests": {"cpu": "100m"}},
        "livenessProbe": {"httpGet": {"path": "/", "port": "web"}, "initialDelaySeconds": 3},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 0},
    }
    assert codec.from_builtins(core_v1.Pod, plain)[1] == []


def test_lists_in_maps() -> None:
    extra = data(5, data(1, "k") + data(2, data(1, "a") + data(1, "b")))
    raw = envelope("authorization.k8s.io/v1", "SubjectAccessReview", data(2, extra))
    spec = wire.decode(authorization_v1.SubjectAccessReview, raw)["spec"]
    assert spec["extra"] == {"k": ["a", "b"]}


def test_secrets_are_base64() -> None:
    raw = envelope("v1", "Secret", data(2, data(1, "k") + data(2, b"\x00\xff")))
    assert wire.decode(core_v1.Secret, raw)["data"] == {"k": "AP8="}


def test_scale_and_options() -> None:
    raw = envelope("autoscaling/v1", "Scale", data(2, number(1, 3)))
    assert wire.decode(autoscaling_v1.Scale, raw)["spec"] == {"replicas": 3}
    raw = envelope("v1", "DeleteOptions", number(1, 0) + data(4, "Foreground"))
    plain = wire.decode(meta_v1.DeleteOptions, raw)
    assert (plain["gracePeriodSeconds"], plain["propagationPolicy"]) == (0, "Foreground")


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        wire.MAGIC + b"\xff",
        wire.MAGIC + b"\x0a\x7f",
        wire.MAGIC + b"\x0b",
        envelope("v1", "Pod", data(1, data(1, b"\xff"))),
        envelope("v1", "Pod", number(1, 1)),
        envelope("v1", "Pod", b"\x0a" + b"\xff" * 12),
    ],
)
def test_broken(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        wire.decode(core_v1.Pod, raw)


def test_numbers_in_lists_packed_or_not() -> None:
    packed = data(2, data(14, data(4, varint(7) + varint(300))))
    single = data(2, data(14, number(4, 7) + number(4, 300)))
    for raw in (packed, single):
        spec = wire.decode(core_v1.Pod, envelope("v1", "Pod", raw))["spec"]
        assert spec["securityContext"]["supplementalGroups"] == [7, 300]


def test_unknown_fields_are_passed_over() -> None:
    extra = number(500, 7) + data(501, b"x") + varint(502 << 3 | 1) + b"12345678" + varint(503 << 3 | 5) + b"1234"
    assert wire.decode(core_v1.Pod, envelope("v1", "Pod", extra + data(1, data(1, "a"))))["metadata"] == {"name": "a"}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (number(1, 1), "proto: wrong wireType = 0 for field Metadata"),
        (data(2, number(16, 1)), "proto: wrong wireType = 0 for field Hostname"),
        (data(2, data(11, "x")), "proto: wrong wireType = 2 for field HostNetwork"),
        (data(1, varint(1 << 3 | 1) + b"12345678"), "proto: wrong wireType = 1 for field Name"),
        (data(1, varint(1 << 3 | 3)), "proto: illegal wireType 3"),
        (data(2, varint(11 << 3) + b"\xff" * 10), "proto: integer overflow"),
        (data(1, data(1, "abc")[:-1]), "unexpected EOF"),
        (data(1, data(8, number(1, 2**62))), "proto: "),
    ],
)
def test_what_is_wrong(raw: bytes, why: str) -> None:
    with pytest.raises(DecodeError) as broken:
        wire.decode(core_v1.Pod, envelope("v1", "Pod", raw))
    assert str(broken.value).startswith(why)


@given(st.binary(max_size=40), st.integers(0, 60))
def test_broken_bytes_are_an_error_or_an_object(noise: bytes, at: int) -> None:
    raw = envelope("v1", "Pod", POD)
    try:
        plain = wire.decode(core_v1.Pod, raw[:at] + noise + raw[at + len(noise) :])
    except DecodeError:
        return
    assert isinstance(plain, dict)
