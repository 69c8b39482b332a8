"""The provider of KMS plugins: seeds, their rotation, and plugins that are not well."""

from __future__ import annotations

import pytest
from tests.apiserver.encryption.conftest import Plugin

from steersman.api.clock import FakeClock
from steersman.apiserver.encryption import envelope as envelopes
from steersman.apiserver.encryption.envelope import AES_GCM_KEY, Envelope
from steersman.apiserver.encryption.kms import WRITE_SECONDS, KMSProvider
from steersman.apiserver.encryption.providers import GCM
from steersman.store.sealing import OpenFailed, Origin, SealFailed

PLACE = "/registry/core/secrets/default/a"
DOWN = "rpc error: code = Unavailable desc = connection refused"


def made() -> tuple[KMSProvider, Plugin, FakeClock]:
    plugin, clock = Plugin(), FakeClock()
    provider = KMSProvider("plug", plugin, clock)
    assert provider.probe() == ""
    return provider, plugin, clock


async def test_values_under_a_seed_cost_no_call() -> None:
    provider, plugin, _ = made()
    stored, origin = provider.seal(PLACE, b"value")
    assert stored.startswith(b"k8s:enc:kms:v2:plug:")
    assert origin == Origin("kms", "plug", "one") == provider.origin
    assert provider.open(PLACE, stored) == (b"value", origin)
    assert provider.seal(PLACE, b"value")[0] != stored
    assert plugin.calls == ["status", "encrypt"]


async def test_another_process_decrypts_a_seed_once() -> None:
    first, plugin, clock = made()
    stored = [first.seal(PLACE, b"value")[0] for _ in range(3)]
    second = KMSProvider("plug", plugin, clock)
    plugin.calls.clear()
    assert [second.open(PLACE, one)[0] for one in stored] == [b"value"] * 3
    assert plugin.calls == ["decrypt"]


async def test_a_new_key_makes_a_new_seed() -> None:
    provider, plugin, _ = made()
    stored, origin = provider.seal(PLACE, b"value")
    plugin.key_id = "two"
    assert provider.probe() == ""
    assert provider.origin == Origin("kms", "plug", "two") != origin
    assert provider.open(PLACE, stored) == (b"value", origin)
    assert provider.reads(origin)


async def test_status_and_encryption_must_agree_on_the_key() -> None:
    provider, plugin, _ = made()
    plugin.key_id, plugin.encrypts_as = "two", "one"
    assert "failed to rotate DEK" in provider.probe()
    assert provider.origin.mark == "one", "what was good stays in use"


async def test_writes_go_on_for_three_minutes() -> None:
    provider, plugin, clock = made()
    stored = provider.seal(PLACE, b"value")[0]
    plugin.failure = DOWN
    await clock.advance(WRITE_SECONDS - 1)
    assert DOWN in provider.probe()
    provider.seal(PLACE, b"value")
    await clock.advance(2)
    with pytest.raises(SealFailed, match=r'encryptedDEKSource with keyID hash "sha256:[0-9a-f]{64}" expired at 20'):
        provider.seal(PLACE, b"value")
    assert provider.open(PLACE, stored)[0] == b"value"
    plugin.failure = ""
    assert provider.probe() == ""
    provider.seal(PLACE, b"value")


async def test_a_plugin_that_never_answered() -> None:
    plugin = Plugin()
    plugin.failure = DOWN
    provider = KMSProvider("plug", plugin, FakeClock())
    assert provider.probe() == (
        f"failed to perform status section of the healthz check for KMS Provider plug, error: {DOWN}"
    )
    with pytest.raises(SealFailed, match="no key to write with"):
        provider.seal(PLACE, b"value")


async def test_a_plugin_that_is_gone_is_not_asked_for_every_value() -> None:
    first, plugin, clock = made()
    stored = first.seal(PLACE, b"value")[0]
    second = KMSProvider("plug", plugin, clock)
    plugin.failure = DOWN
    plugin.calls.clear()
    for _ in range(100):
        with pytest.raises(OpenFailed, match="failed to decrypt DEK, error: rpc error"):
            second.open(PLACE, stored)
    assert plugin.calls == ["decrypt"]
    plugin.failure = ""
    await clock.advance(4)
    assert second.open(PLACE, stored)[0] == b"value"


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("healthz", "ill", "got unexpected healthz status: ill"),
        ("version", "v1", "expected KMSv2 API version v2, got v1"),
        ("key_id", "", 'got invalid KMSv2 KeyID hash "": keyID is empty'),
    ],
)
async def test_plugins_that_are_not_well(field: str, value: str, problem: str) -> None:
    provider, plugin, _ = made()
    setattr(plugin, field, value)
    assert provider.probe() == provider.health == f"kmsv2 Provider plug is not healthy, error: {problem}"


async def test_values_under_a_key_that_is_no_seed() -> None:
    provider, plugin, _ = made()
    key = bytes(range(32))
    envelope = Envelope("one", b"one|" + key[::-1], plugin.annotations, AES_GCM_KEY)
    stored = provider.prefix + envelopes.encode(envelope, GCM(key).seal(PLACE.encode(), b"value"))
    value, origin = provider.open(PLACE, stored)
    assert value == b"value"
    assert origin != provider.origin, "it is to be written again"


@pytest.mark.parametrize("data", [b"", b"\x0a\xff", b"\x12\x01k"])
async def test_records_that_are_no_envelope(data: bytes) -> None:
    provider, _, _ = made()
    with pytest.raises(OpenFailed):
        provider.open(PLACE, provider.prefix + data)
