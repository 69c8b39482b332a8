"""A server with encryption at rest on a file, and plugins that are made up."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.apiserver.conftest import CATALOG, Api

from steersman.api.clock import FakeClock
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.encryption.built import Dial
from steersman.apiserver.encryption.plugin import Encrypted, PluginError, Service, Status
from steersman.apiserver.encryption.service import Encryption
from steersman.apiserver.server import App
from steersman.store.backends import sqlite
from steersman.store.engine import Engine

SECRETS = "/api/v1/namespaces/default/secrets"
KEYS = {f"key{n}": bytes([n]) * 32 for n in range(1, 5)}


def keyed(*names: str, provider: str = "aesgcm") -> dict[str, Any]:
    """A provider with these keys."""
    keys = [{"name": name, "secret": base64.b64encode(KEYS[name]).decode()} for name in names]
    return {provider: {"keys": keys}}


IDENTITY: dict[str, Any] = {"identity": {}}


def kms(name: str = "plug", timeout: str = "1s", endpoint: str = "unix:///nowhere") -> dict[str, Any]:
    return {"kms": {"apiVersion": "v2", "name": name, "endpoint": endpoint, "timeout": timeout}}


def rule(*providers: dict[str, Any], resources: tuple[str, ...] = ("secrets",)) -> dict[str, Any]:
    return {"resources": list(resources), "providers": list(providers)}


def text(*rules: dict[str, Any]) -> str:
    """A configuration as it is written in a file."""
    return json.dumps(
        {"kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1", "resources": list(rules)}
    )


def configure(directory: Path, *rules: dict[str, Any]) -> Path:
    file = directory / "encryption.yaml"
    file.write_text(text(*rules))
    return file


class Plugin:
    """A plugin without a socket: what it encrypts says under which key."""

    def __init__(self) -> None:
        self.key_id = "one"
        self.failure = ""
        self.healthz, self.version = "ok", "v2"
        self.encrypts_as = ""
        self.calls: list[str] = []
        self.annotations: dict[str, bytes] = {"note.example.com": b"x"}

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.failure:
            raise PluginError(self.failure)

    def status(self) -> Status:
        self._call("status")
        return Status(self.version, self.healthz, self.key_id)

    def encrypt(self, uid: str, plaintext: bytes) -> Encrypted:
        self._call("encrypt")
        key_id = self.encrypts_as or self.key_id
        return Encrypted(key_id.encode() + b"|" + plaintext[::-1], key_id, self.annotations)

    def decrypt(self, uid: str, encrypted: Encrypted) -> bytes:
        self._call("decrypt")
        key_id, _, data = encrypted.ciphertext.partition(b"|")
        assert key_id.decode() == encrypted.key_id
        assert encrypted.annotations == self.annotations
        return data[::-1]

    def close(self) -> None:
        self.calls.append("close")


class Server(Api):
    """A server, its encryption and its store."""

    encryption: Encryption
    store: Engine

    def secret(self, name: str, value: str = "plain", **metadata: Any) -> dict[str, Any]:
        return {"metadata": {"name": name, **metadata}, "stringData": {"a": value}}


@asynccontextmanager
async def server(
    directory: Path,
    config: Path | None,
    *,
    reload: bool = False,
    plugin: Service | None = None,
    bootstrap: bool = False,
    clock: FakeClock | None = None,
) -> AsyncIterator[Server]:
    """A server on the data in `directory`, whose store may hold what an earlier one has left."""
    clock = clock or FakeClock(1_800_000_000.0)
    dial: Dial = (
        (lambda endpoint, timeout: plugin) if plugin is not None else Encryption.__init__.__kwdefaults__["dial"]
    )
    encryption = Encryption(clock, config, reload=reload, dial=dial)
    await encryption.prime()
    store = sqlite.BACKEND.open(str(directory / "store.db"), clock, encryption.tables)
    assert isinstance(store, Engine)
    settings = ServerConfig(advertise_address="192.0.2.1", bootstrap=bootstrap)
    app = App(store, clock, settings, catalog=CATALOG, encryption=encryption, admission=())
    await app.start()
    found = Server(app, clock)
    found.encryption, found.store = encryption, store
    try:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(app.run())
            yield found
            running.cancel()
    finally:
        await app.close()
        await store.close()
        encryption.close()


def on_disk(directory: Path, marker: bytes) -> list[str]:
    """The files of a data directory that hold some bytes."""
    return [
        file.name for file in directory.iterdir() if file.name.startswith("store.db") and marker in file.read_bytes()
    ]
