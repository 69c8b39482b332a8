"""The messages of plugins and what is stored under their keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.api import protobuf
from steersman.apiserver.encryption import envelope as envelopes
from steersman.apiserver.encryption import wire
from steersman.apiserver.encryption.envelope import AES_GCM_KEY, HKDF_SEED, Derived, Envelope
from steersman.apiserver.encryption.providers import GCM
from steersman.store.sealing import OpenFailed

SEED = bytes(range(32))
PLACE = b"/registry/core/secrets/default/a"
# A derived key's value as Go's crypto/hkdf and crypto/cipher make it.
OTHERS = bytes.fromhex(
    "6465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283000102030405060708090a0bc416b9b6cc0117861f04dfee541bfa7b"
    "21a5f112a5"
)


@given(
    data=st.binary(min_size=1),
    key_id=st.text(min_size=1, max_size=20),
    source=st.binary(min_size=1, max_size=300),
    annotations=st.dictionaries(st.sampled_from(["a.b", "c.example.com"]), st.binary(max_size=10)),
    kind=st.sampled_from([AES_GCM_KEY, HKDF_SEED]),
)
def test_envelopes_come_back(data: bytes, key_id: str, source: bytes, annotations: dict[str, bytes], kind: int) -> None:
    envelope = Envelope(key_id, source, annotations, kind)
    assert envelopes.decode(envelopes.encode(envelope, data)) == (envelope, data)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        envelopes.decode(data)
    except OpenFailed:
        return


@given(st.integers(0, 2**63))
def test_numbers_come_back(number: int) -> None:
    assert wire.Message(protobuf.tag(1, protobuf.VARINT) + protobuf.varint(number)).number(1) == number


def test_fields_that_are_not_known_are_skipped() -> None:
    known = wire.field(1, b"x")
    other = protobuf.tag(9, protobuf.FIXED32) + bytes(4) + protobuf.tag(10, protobuf.FIXED64) + bytes(8)
    assert wire.Message(other + known + other).data(1) == b"x"


@pytest.mark.parametrize(
    ("envelope", "data", "problem"),
    [
        (Envelope("k", b"s", {}, 2), b"x", "unknown encryptedDEKSourceType: 2"),
        (Envelope("k", b"s", {}), b"", "encrypted data is empty"),
        (Envelope("k", b"", {}), b"x", "encrypted DEK source is empty"),
        (
            Envelope("k", bytes(1025), {}),
            b"x",
            "encrypted DEK source is 1025 bytes, which exceeds the max size of 1024",
        ),
        (Envelope("", b"s", {}), b"x", "keyID is empty"),
        (Envelope("ä" * 513, b"s", {}), b"x", "keyID is 1026 bytes, which exceeds the max size of 1024"),
        (Envelope("k", b"s", {"plain": b""}), b"x", "should be a fully qualified domain name"),
        (Envelope("k", b"s", {"a.b": bytes(32768)}), b"x", "total size of annotations is 32771, which exceeds"),
        (Envelope("k", b"s", {"a.b": bytes(10)}), b"x", ""),
    ],
)
def test_checks(envelope: Envelope, data: bytes, problem: str) -> None:
    found = envelopes.check(envelope, data)
    assert problem in found
    assert bool(problem) == bool(found)


def test_derived_keys() -> None:
    derived = Derived(SEED)
    assert derived.open(PLACE, derived.seal(PLACE, b"value")) == b"value"
    assert derived.open(PLACE, OTHERS) == b"hello"
    with pytest.raises(OpenFailed, match="message authentication failed"):
        derived.open(PLACE + b"b", OTHERS)
    with pytest.raises(OpenFailed, match="shorter"):
        derived.open(PLACE, b"x" * 43)
    with pytest.raises(OpenFailed, match="invalid seed length 31"):
        Derived(SEED[1:])


def test_what_is_no_seed_is_a_key() -> None:
    stored = GCM(SEED).seal(PLACE, b"value")
    assert envelopes.algorithm(AES_GCM_KEY, SEED).open(PLACE, stored) == b"value"
    with pytest.raises(OpenFailed, match="invalid key size 5"):
        envelopes.algorithm(AES_GCM_KEY, b"short")
