"""Bootstrap tokens over the real API server: they sign what is published, and their Secrets go when they end."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta

import pytest

from steersman.api.errors import NotFound
from steersman.api.meta import format_time
from steersman.controllers import bootstrapsigner, tokencleaner
from steersman.kinds.types.core_v1 import ConfigMap, Secret
from steersman.pki import jose

PUBLIC, SYSTEM = "kube-public", "kube-system"
GOOD = {"token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-signing": "true"}


def token(make, data, name="bootstrap-token-abcdef", namespace=SYSTEM, kind="bootstrap.kubernetes.io/token"):
    made = make(Secret, name, type=kind)
    made.metadata.namespace = namespace
    made.data = {key: b64encode(value.encode()).decode() for key, value in data.items()}
    return made


def cluster_info(make, **data):
    made = make(ConfigMap, "cluster-info")
    made.metadata.namespace = PUBLIC
    made.data = data
    return made


async def published(world):
    await world.settle()
    return (await world.client.get(ConfigMap, "cluster-info", PUBLIC)).data


async def test_signatures_follow_tokens(world, make):
    await world.client.create(cluster_info(make, kubeconfig="content", **{"jws-kubeconfig-zzzzzz": "old"}))
    ends = format_time(world.clock.now() + timedelta(minutes=5))
    await world.client.create(token(make, {**GOOD, "expiration": ends}))
    await world.start(bootstrapsigner)
    signature = jose.detached(b"content", "abcdef", b"0123456789abcdef")
    assert await published(world) == {"kubeconfig": "content", "jws-kubeconfig-abcdef": signature}
    changed = await world.client.get(ConfigMap, "cluster-info", PUBLIC)
    changed.data = {**changed.data, "kubeconfig": "other"}
    await world.client.update(changed)
    other = jose.detached(b"other", "abcdef", b"0123456789abcdef")
    assert await published(world) == {"kubeconfig": "other", "jws-kubeconfig-abcdef": other}
    await world.clock.advance(301)
    assert await published(world) == {"kubeconfig": "other"}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"token-id": "ghijkl"}, {}),
        ({"token-id": ""}, {}),
        ({"token-secret": ""}, {}),
        ({"usage-bootstrap-signing": "false"}, {}),
        ({"expiration": "2000-01-01T00:00:00Z"}, {}),
        ({"expiration": "tomorrow"}, {}),
        ({}, {"namespace": "default"}),
        ({}, {"kind": "Opaque"}),
        ({}, {"name": "bootstrap-token-abcdef0"}),
    ],
)
async def test_tokens_that_sign_nothing(world, make, change, place):
    await world.client.create(cluster_info(make, kubeconfig="content"))
    await world.client.create(token(make, {**GOOD, **change}, **place))
    await world.start(bootstrapsigner)
    assert await published(world) == {"kubeconfig": "content"}


async def test_nothing_to_sign(world, make):
    await world.client.create(cluster_info(make, other="x"))
    await world.client.create(token(make, GOOD))
    await world.start(bootstrapsigner)
    assert await published(world) == {"other": "x"}


async def test_what_has_ended_is_deleted(world, make):
    ends = format_time(world.clock.now() + timedelta(minutes=5))
    names = {
        "bootstrap-token-aaaaaa": ({**GOOD, "expiration": ends}, {}),
        "bootstrap-token-bbbbbb": (GOOD, {}),
        "other": ({"expiration": "2000-01-01T00:00:00Z"}, {"kind": "Opaque"}),
        "elsewhere": ({"expiration": "2000-01-01T00:00:00Z"}, {"namespace": "default"}),
        "bootstrap-token-cccccc": ({**GOOD, "expiration": "2000-01-01T00:00:00Z"}, {}),
        "bootstrap-token-dddddd": ({**GOOD, "expiration": "never"}, {}),
    }
    for name, (data, place) in names.items():
        await world.client.create(token(make, data, name=name, **place))
    await world.start(tokencleaner)

    async def left():
        await world.settle()
        found = []
        for name, (_, place) in names.items():
            try:
                await world.client.get(Secret, name, place.get("namespace", SYSTEM))
            except NotFound:
                continue
            found.append(name)
        return found

    kept = ["bootstrap-token-aaaaaa", "bootstrap-token-bbbbbb", "other", "elsewhere"]
    assert await left() == kept
    await world.clock.advance(301)
    assert await left() == kept[1:]
