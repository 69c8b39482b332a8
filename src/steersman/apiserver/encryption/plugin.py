"""The protocol of KMS plugins, version 2: Status, Encrypt and Decrypt over gRPC on a unix socket. Calls block: use a thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from steersman.apiserver.encryption.wire import Message, WireError, field, mapping
from steersman.http.grpcio import OPTIONS, library, target, told

SERVICE = "v2.KeyManagementService"


class PluginError(Exception):
    """A call failed, took too long, or was answered with something else than its answer."""


class Status(Struct, frozen=True):
    """How a plugin says it is: its protocol's version, `ok` or what ails it, and the key that it encrypts with now."""

    version: str
    healthz: str
    key_id: str


class Encrypted(Struct, frozen=True):
    """What a plugin made of a seed, and what it wants to be shown when that is to be decrypted."""

    ciphertext: bytes
    key_id: str
    annotations: Mapping[str, bytes]


class Service(Protocol):
    """A plugin. All calls block for no longer than a timeout and raise PluginError."""

    def status(self) -> Status: ...

    def encrypt(self, uid: str, plaintext: bytes) -> Encrypted: ...

    def decrypt(self, uid: str, encrypted: Encrypted) -> bytes: ...

    def close(self) -> None: ...


class Plugin:
    """A plugin behind a socket. It is dialled by the first call, and again when the connection breaks; any thread may call."""

    def __init__(self, endpoint: str, timeout: float) -> None:
        """`endpoint` is a URL such as unix:///run/kms.sock; `timeout` the seconds that a call may take."""
        path = urlsplit(endpoint).path
        self._target = target(path[1:] if path.startswith("/@") else path)
        self._timeout = timeout
        self._channel: Any = None

    def status(self) -> Status:
        found = self._call("Status", b"")
        return Status(found.text(1), found.text(2), found.text(3))

    def encrypt(self, uid: str, plaintext: bytes) -> Encrypted:
        found = self._call("Encrypt", field(1, plaintext) + field(2, uid))
        return Encrypted(found.data(1), found.text(2), found.mapping(3))

    def decrypt(self, uid: str, encrypted: Encrypted) -> bytes:
        request = field(1, encrypted.ciphertext) + field(2, uid) + field(3, encrypted.key_id)
        return self._call("Decrypt", request + mapping(4, encrypted.annotations)).data(1)

    def _call(self, name: str, request: bytes) -> Message:
        grpc = library()
        if self._channel is None:
            self._channel = grpc.insecure_channel(self._target, options=OPTIONS)
        try:
            method = self._channel.unary_unary(f"/{SERVICE}/{name}")
            # A plugin that is just starting is waited for, as long as a call may take.
            return Message(method(request, timeout=self._timeout, wait_for_ready=True))
        except grpc.RpcError as error:
            raise PluginError(told(error)) from error
        except WireError as error:
            raise PluginError(f"{name} was answered with what is no message: {error}") from error

    def close(self) -> None:
        """Hangs up."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()
