"""Providers: what they write, and what they refuse to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.apiserver.encryption.providers import ALGORITHMS, Keyed
from steersman.apiserver.encryption.table import Chain, Unchanged
from steersman.store.sealing import PLAIN, OpenFailed

KEY, OTHER = bytes(range(32)), bytes(32)
PLACE = "/registry/core/secrets/default/a"


@pytest.mark.parametrize("name", ALGORITHMS)
@given(value=st.binary(min_size=1, max_size=100))
def test_values_come_back(name: str, value: bytes) -> None:
    provider = Keyed(name, [("one", KEY)])
    stored, origin = provider.seal(PLACE, value)
    assert stored.startswith(f"k8s:enc:{name}:v1:one:".encode())
    assert provider.open(PLACE, stored) == (value, origin)
    assert (origin.provider, origin.key) == (name, "one")
    assert provider.seal(PLACE, value)[0] != stored


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("aesgcm", "cipher: message authentication failed"),
        ("secretbox", "output array was not large enough for encryption"),
    ],
)
def test_changed_values_are_refused(name: str, reason: str) -> None:
    provider = Keyed(name, [("one", KEY)])
    stored = bytearray(provider.seal(PLACE, b"value")[0])
    stored[-1] ^= 1
    with pytest.raises(OpenFailed, match=reason):
        provider.open(PLACE, bytes(stored))


def test_aesgcm_ties_a_value_to_its_place() -> None:
    provider = Keyed("aesgcm", [("one", KEY)])
    stored = provider.seal(PLACE, b"value")[0]
    with pytest.raises(OpenFailed, match="message authentication failed"):
        provider.open(PLACE + "b", stored)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"short", "the stored data was shorter than the required size"),
        (bytes(17), "the stored data is not a multiple of the block size"),
        (bytes(16), r"invalid PKCS7 data \(empty or not padded\)"),
        (bytes(32), "invalid padding on input"),
    ],
)
def test_aescbc_refuses(data: bytes, reason: str) -> None:
    provider = Keyed("aescbc", [("one", KEY)])
    with pytest.raises(OpenFailed, match=reason):
        provider.open(PLACE, provider.prefix + b"one:" + data)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_too_short_values_are_refused(name: str) -> None:
    provider = Keyed(name, [("one", KEY)])
    with pytest.raises(OpenFailed, match="shorter"):
        provider.open(PLACE, provider.prefix + b"one:x")


def test_the_first_key_writes_and_all_read() -> None:
    old = Keyed("aesgcm", [("one", KEY)])
    both = Keyed("aesgcm", [("two", OTHER), ("one", KEY)])
    stored, origin = old.seal(PLACE, b"value")
    assert both.open(PLACE, stored) == (b"value", origin)
    assert both.origin != origin
    assert both.reads(origin)
    with pytest.raises(OpenFailed, match="no matching key was found"):
        old.open(PLACE, both.seal(PLACE, b"value")[0])


def test_two_keys_of_one_name() -> None:
    """A name may be given anew: the values of the old key are read, and are not like those of the new one."""
    old, new = Keyed("aescbc", [("one", KEY)]), Keyed("aescbc", [("one", OTHER), ("one", KEY)])
    stored, origin = old.seal(PLACE, b"value")
    assert new.open(PLACE, stored) == (b"value", origin)
    assert new.origin != origin


def test_chains_choose_by_prefix() -> None:
    gcm, cbc = Keyed("aesgcm", [("one", KEY)]), Keyed("aescbc", [("one", KEY)])
    chain = Chain((gcm, cbc, Unchanged()))
    assert chain.open(PLACE, cbc.seal(PLACE, b"v")[0]) == (b"v", cbc.origin)
    assert chain.open(PLACE, b"{}") == (b"{}", PLAIN)
    box = Keyed("secretbox", [("one", KEY)])
    with pytest.raises(OpenFailed, match="no matching prefix found"):
        chain.open(PLACE, box.seal(PLACE, b"v")[0])
    with pytest.raises(OpenFailed, match="identity transformer tried to read encrypted data"):
        Chain((Unchanged(),)).open(PLACE, gcm.seal(PLACE, b"v")[0])
    with pytest.raises(OpenFailed, match="no matching prefix found"):
        Chain((gcm,)).open(PLACE, b"{}")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        # openssl enc -aes-256-cbc
        ("aescbc", "000102030405060708090a0b0c0d0e0f7fd12dafb7e9599d0b849ad8c2e3c21f"),
        # Go's crypto/cipher
        ("aesgcm", "000102030405060708090a0b2f67ba77aa148e4a8100392d20720e7735f47d617a"),
    ],
)
def test_what_others_have_written(name: str, data: str) -> None:
    """Values in Kubernetes' own form, made with other libraries."""
    stored = b"k8s:enc:%b:v1:one:" % name.encode() + bytes.fromhex(data)
    assert Keyed(name, [("one", KEY)]).open(PLACE, stored)[0] == b"hello"
