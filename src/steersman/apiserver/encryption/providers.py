"""What makes unreadable bytes of values with a key that is known here: AES-GCM, AES-CBC and XSalsa20-Poly1305."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from steersman.store.sealing import PREFIX, OpenFailed, Origin

NONCE = 12
BLOCK = 16
SECRETBOX_NONCE, SECRETBOX_TAG = 24, 16
TOO_SHORT = "the stored data was shorter than the required size"


class Algorithm(Protocol):
    """One key at work. `key` of a method is where in the store the value lies: what is copied elsewhere must not open there."""

    def seal(self, key: bytes, value: bytes) -> bytes:
        """Another result each time."""

    def open(self, key: bytes, data: bytes) -> bytes:
        """The value. Raises OpenFailed."""


class GCM:
    """AES-GCM with a random nonce before the ciphertext."""

    def __init__(self, secret: bytes) -> None:
        self._aead = AESGCM(secret)

    def seal(self, key: bytes, value: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._aead.encrypt(nonce, value, key)

    def open(self, key: bytes, data: bytes) -> bytes:
        if len(data) < NONCE:
            raise OpenFailed(TOO_SHORT)
        try:
            return self._aead.decrypt(data[:NONCE], data[NONCE:], key)
        except InvalidTag:
            raise OpenFailed("cipher: message authentication failed") from None


class CBCMode:
    """AES-CBC with a random first block and padding as in PKCS #7. Nothing tells whether the data were changed."""

    def __init__(self, secret: bytes) -> None:
        self._algorithm = AES(secret)

    def seal(self, key: bytes, value: bytes) -> bytes:
        first = os.urandom(BLOCK)
        padder = PKCS7(BLOCK * 8).padder()
        encryptor = Cipher(self._algorithm, CBC(first)).encryptor()
        return first + encryptor.update(padder.update(value) + padder.finalize()) + encryptor.finalize()

    def open(self, key: bytes, data: bytes) -> bytes:
        if len(data) < BLOCK:
            raise OpenFailed(TOO_SHORT)
        if len(data) % BLOCK:
            raise OpenFailed("the stored data is not a multiple of the block size")
        if len(data) == BLOCK:
            raise OpenFailed("invalid PKCS7 data (empty or not padded)")
        decryptor = Cipher(self._algorithm, CBC(data[:BLOCK])).decryptor()
        unpadder = PKCS7(BLOCK * 8).unpadder()
        try:
            return unpadder.update(decryptor.update(data[BLOCK:]) + decryptor.finalize()) + unpadder.finalize()
        except ValueError:
            raise OpenFailed("invalid padding on input") from None


class Secretbox:
    """XSalsa20-Poly1305 with a random nonce before the ciphertext; where the value lies takes no part."""

    def __init__(self, secret: bytes) -> None:
        # Few have such keys, and the library is loaded for them alone.
        from nacl.secret import SecretBox

        self._box = SecretBox(secret)

    def seal(self, key: bytes, value: bytes) -> bytes:
        return bytes(self._box.encrypt(value, os.urandom(SECRETBOX_NONCE)))

    def open(self, key: bytes, data: bytes) -> bytes:
        from nacl.exceptions import CryptoError

        if len(data) < SECRETBOX_NONCE + SECRETBOX_TAG:
            raise OpenFailed(TOO_SHORT)
        try:
            return self._box.decrypt(data)
        except CryptoError:
            raise OpenFailed("output array was not large enough for encryption") from None


ALGORITHMS: dict[str, Callable[[bytes], Algorithm]] = {"aesgcm": GCM, "aescbc": CBCMode, "secretbox": Secretbox}


class Keyed:
    """A provider with keys of its own, by name, of which the first writes. `name` is one of ALGORITHMS."""

    def __init__(self, name: str, keys: list[tuple[str, bytes]]) -> None:
        self.prefix = b"%b%b:v1:" % (PREFIX, name.encode())
        make = ALGORITHMS[name]
        self._keys = [
            (f"{key}:".encode(), make(secret), Origin(name, key, hashlib.sha256(PREFIX + secret).hexdigest()[:16]))
            for key, secret in keys
        ]
        start, self._writer, self.origin = self._keys[0]
        self._start = self.prefix + start

    def reads(self, origin: Origin) -> bool:
        return any(origin == mine for _, _, mine in self._keys)

    def seal(self, key: str, value: bytes) -> tuple[bytes, Origin]:
        return self._start + self._writer.seal(key.encode(), value), self.origin

    def open(self, key: str, stored: bytes) -> tuple[bytes, Origin]:
        data = stored[len(self.prefix) :]
        reasons = []
        for start, algorithm, origin in self._keys:
            if data.startswith(start):
                try:
                    return algorithm.open(key.encode(), data[len(start) :]), origin
                except OpenFailed as error:
                    # A name may have been given to two keys, one after the other.
                    reasons.append(str(error))
        raise OpenFailed(", ".join(reasons) or "no matching key was found for the provided AES transformer")
