"""What is stored of a value whose key a plugin keeps: the encrypted value beside the encrypted seed of its key."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from msgspec import Struct

from steersman.api import names
from steersman.apiserver.encryption.providers import GCM, NONCE, TOO_SHORT, Algorithm
from steersman.apiserver.encryption.wire import Message, WireError, field, mapping
from steersman.store.sealing import OpenFailed

SEED_SIZE = INFO_SIZE = KEY_SIZE = 32
KEY_ID_MAX = SOURCE_MAX = 1024
ANNOTATIONS_MAX = 32 * 1024
AES_GCM_KEY, HKDF_SEED = 0, 1


class Envelope(Struct, frozen=True):
    """How a seed is encrypted: by which key of the plugin, as what, and what the plugin wants to be told. `kind` says whether
    it is a seed (HKDF_SEED) or a key of AES-GCM itself."""

    key_id: str
    source: bytes
    annotations: Mapping[str, bytes]
    kind: int = HKDF_SEED

    def identity(self) -> tuple[object, ...]:
        """What tells it from others."""
        return self.kind, self.source, self.key_id, tuple(sorted(self.annotations.items()))


def encode(envelope: Envelope, data: bytes) -> bytes:
    """The stored form."""
    return b"".join((field(1, data), tail(envelope)))


def tail(envelope: Envelope) -> bytes:
    """The part of the stored form that is the same for all values under one seed; the value comes before it."""
    return b"".join(
        (
            field(2, envelope.key_id),
            field(3, envelope.source),
            mapping(4, envelope.annotations),
            field(5, envelope.kind),
        )
    )


def decode(stored: bytes) -> tuple[Envelope, bytes]:
    """The envelope and the encrypted value. Raises OpenFailed."""
    try:
        found = Message(stored)
        envelope = Envelope(found.text(2), found.data(3), found.mapping(4), found.number(5))
        data = found.data(1)
    except WireError as error:
        raise OpenFailed(f"proto: cannot parse invalid wire-format data: {error}") from error
    if problem := check(envelope, data):
        raise OpenFailed(problem)
    return envelope, data


def check(envelope: Envelope, data: bytes = b"\0") -> str:
    """What is wrong with an envelope, or nothing."""
    if envelope.kind not in (AES_GCM_KEY, HKDF_SEED):
        return f"unknown encryptedDEKSourceType: {envelope.kind}"
    if not data:
        return "encrypted data is empty"
    if not envelope.source:
        return "failed to validate encrypted DEK source: encrypted DEK source is empty"
    if len(envelope.source) > SOURCE_MAX:
        return (
            f"failed to validate encrypted DEK source: encrypted DEK source is {len(envelope.source)} bytes, which exceeds "
            f"the max size of {SOURCE_MAX}"
        )
    if problem := check_key_id(envelope.key_id):
        return f"failed to validate key id: {problem}"
    if problem := _check_annotations(envelope.annotations):
        return f"failed to validate annotations: {problem}"
    return ""


def check_key_id(key_id: str) -> str:
    """What is wrong with a plugin's name for a key, or nothing."""
    if not key_id:
        return "keyID is empty"
    size = len(key_id.encode())
    return f"keyID is {size} bytes, which exceeds the max size of {KEY_ID_MAX}" if size > KEY_ID_MAX else ""


def _check_annotations(annotations: Mapping[str, bytes]) -> str:
    for key in annotations:
        if "." not in key or names.dns1123_subdomain(key):
            return f'annotations: Invalid value: "{key}": should be a fully qualified domain name'
    size = sum(len(key) + len(value) for key, value in annotations.items())
    return (
        f"total size of annotations is {size}, which exceeds the max size of {ANNOTATIONS_MAX}"
        if size > ANNOTATIONS_MAX
        else ""
    )


class Derived:
    """AES-GCM with a key of its own for each value, derived from a seed and random bytes that are stored before the nonce."""

    def __init__(self, seed: bytes) -> None:
        """Raises OpenFailed for a seed that is too short."""
        if len(seed) < SEED_SIZE:
            raise OpenFailed(f"invalid seed length {len(seed)} used for key generation")
        self._seed = seed

    def _aead(self, info: bytes) -> AESGCM:
        return AESGCM(HKDFExpand(SHA256(), KEY_SIZE, info).derive(self._seed))

    def seal(self, key: bytes, value: bytes) -> bytes:
        start = os.urandom(INFO_SIZE + NONCE)
        return start + self._aead(start[:INFO_SIZE]).encrypt(start[INFO_SIZE:], value, key)

    def open(self, key: bytes, data: bytes) -> bytes:
        begin = INFO_SIZE + NONCE
        if len(data) < begin:
            raise OpenFailed(TOO_SHORT)
        try:
            return self._aead(data[:INFO_SIZE]).decrypt(data[INFO_SIZE:begin], data[begin:], key)
        except InvalidTag:
            raise OpenFailed("cipher: message authentication failed") from None


def algorithm(kind: int, source: bytes) -> Algorithm:
    """What opens values under a decrypted seed, or key. Raises OpenFailed."""
    if kind == HKDF_SEED:
        return Derived(source)
    if len(source) not in (16, 24, 32):
        raise OpenFailed(f"crypto/aes: invalid key size {len(source)}")
    return GCM(source)
