"""Measures what encryption at rest costs, in seconds of CPU so that others on the machine count for little.

python benchmarks/encryption.py [--secrets 20000] [--requests 3000]
Values of 2 KB: sealing and opening by provider, and what resources pay that are not encrypted. Then a Secret's creation and read
through an API server without a socket over SQLite, and the opening of a store with many Secrets.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from steersman import store as stores
from steersman.api.clock import RealClock
from steersman.api.http import Request, User
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.encryption.kms import KMSProvider
from steersman.apiserver.encryption.plugin import Encrypted, Status
from steersman.apiserver.encryption.service import Encryption
from steersman.apiserver.encryption.table import Chain, Table, Tables
from steersman.apiserver.server import App

SECRET = "/registry/core/secrets/default/a"
OTHER = "/registry/core/configmaps/default/a"
VALUE = os.urandom(1024).hex().encode()
ADMIN = User("admin", ("system:masters",))
PATH = "/api/v1/namespaces/default/secrets"


class Plugin:
    """A plugin that costs nothing: values under a seed need none."""

    def status(self) -> Status:
        return Status("v2", "ok", "one")

    def encrypt(self, uid: str, plaintext: bytes) -> Encrypted:
        return Encrypted(plaintext, "one", {})

    def decrypt(self, uid: str, encrypted: Encrypted) -> bytes:
        return encrypted.ciphertext

    def close(self) -> None:
        """Nothing is open."""


def configuration(directory: str, provider: str) -> Path | None:
    if not provider:
        return None
    key = {"name": "key1", "secret": base64.b64encode(os.urandom(32)).decode()}
    rule = {"resources": ["secrets"], "providers": [{provider: {"keys": [key]}}, {"identity": {}}]}
    document = {"kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1", "resources": [rule]}
    file = Path(directory, "encryption.json")
    file.write_text(json.dumps(document))
    return file


def microseconds(act: Callable[[], object], times: int = 5000) -> float:
    """CPU time of one call: the median of five series."""
    found = []
    for _ in range(5):
        begun = time.process_time()
        for _ in range(times):
            act()
        found.append((time.process_time() - begun) / times * 1e6)
    return statistics.median(found)


def values(directory: str) -> None:
    kms = KMSProvider("plug", Plugin(), RealClock())
    kms.probe()
    tables = {
        name: Encryption(RealClock(), configuration(directory, name)).tables
        for name in ("", "aesgcm", "aescbc", "secretbox")
    }
    tables["kms v2"] = Tables(Table({("", "secrets"): Chain((kms,))}), active=True)
    for name, found in tables.items():
        stored, _ = found.seal(SECRET, VALUE)
        seal, opened = (
            microseconds(partial(found.seal, SECRET, VALUE)),
            microseconds(partial(found.open, SECRET, stored)),
        )
        other = microseconds(partial(found.seal, OTHER, VALUE))
        print(f"| {name or 'no configuration'} | {seal:.1f} µs | {opened:.1f} µs | {other:.2f} µs |")


async def requests(directory: str, provider: str, count: int, many: int) -> None:
    clock, url = RealClock(), f"sqlite://{directory}/{provider or 'plain'}.db"
    encryption = Encryption(clock, configuration(directory, provider))
    store = stores.open(url, clock, encryption.tables)
    app = App(store, clock, ServerConfig(bootstrap=False), admission=(), encryption=encryption)
    await app.start()

    async def ask(method: str, path: str, body: bytes = b"") -> None:
        response = await app.handle(Request(method, path, "", {}, body, user=ADMIN))
        assert response.status < 300, response.body

    data = {"a": base64.b64encode(VALUE[:1400]).decode()}
    bodies = [json.dumps({"metadata": {"name": f"s{n}"}, "data": data}).encode() for n in range(many)]
    begun = time.process_time()
    for start in range(0, count, 16):
        await asyncio.gather(*(ask("POST", PATH, body) for body in bodies[start : min(count, start + 16)]))
    created = (time.process_time() - begun) / count * 1e6
    begun = time.process_time()
    for number in range(count):
        await ask("GET", f"{PATH}/s{number}")
    read = (time.process_time() - begun) / count * 1e6
    for start in range(count, many, 64):
        await asyncio.gather(*(ask("POST", PATH, body) for body in bodies[start : start + 64]))
    await app.close()
    await store.close()
    begun = time.process_time()
    store = stores.open(url, clock, encryption.tables)
    opened = (time.process_time() - begun) * 1000
    await store.close()
    print(f"| {provider or 'no configuration'} | {created:.0f} µs | {read:.0f} µs | {opened:.0f} ms |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--secrets", type=int, default=20_000)
    parser.add_argument("--requests", type=int, default=3_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        print("| a value of 2 KB | seal | open | seal one of another resource |\n|---|---|---|---|")
        values(directory)
        print(f"\n| | create a Secret | get it | open a store with {options.secrets:,} |\n|---|---|---|---|")
        for provider in ("", "aesgcm", "aescbc", "secretbox"):
            asyncio.run(requests(directory, provider, options.requests, options.secrets))


if __name__ == "__main__":
    main()
