"""What the files of a store hold of values that were sealed, replaced or deleted; also after a process was killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from steersman import store as stores
from steersman.api.clock import RealClock
from steersman.apiserver.encryption.service import Encryption
from steersman.store.engine import Engine

CONFIGURATION = """
kind: EncryptionConfiguration
apiVersion: apiserver.config.k8s.io/v1
resources:
- resources: [secrets]
  providers:
  - aesgcm: {keys: [{name: key1, secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}]}
  - identity: {}
"""
KEY = "/registry/core/secrets/default/"
MARKER = b"a-value-that-must-not-be-read"

# Writes values and says what was acknowledged.
WRITER = """
import asyncio, sys
from pathlib import Path
from steersman import store
from steersman.api.clock import RealClock
from steersman.apiserver.encryption.service import Encryption

async def main():
    tables = Encryption(RealClock(), Path(sys.argv[2])).tables
    target = store.open(sys.argv[1], RealClock(), tables)
    async def writer(number):
        entry = await target.create(f"/registry/core/secrets/default/{number}", b"a-value-that-must-not-be-read 0")
        for i in range(1, 1_000_000):
            entry = await target.update(entry.key, b"a-value-that-must-not-be-read %d" % i, entry.revision)
            sys.stdout.write(f"{entry.key} {entry.revision} {i}\\n")
            sys.stdout.flush()
            if number == 0 and i % 50 == 0:
                await target.compact(target.revision)
                await target.purge()
    await asyncio.gather(*(writer(number) for number in range(4)))

asyncio.run(main())
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "encryption.yaml"
    file.write_text(CONFIGURATION)
    return file


def opened(directory: Path, config: Path | None) -> Engine:
    store = stores.open(f"sqlite://{directory}/store.db", RealClock(), Encryption(RealClock(), config).tables)
    assert isinstance(store, Engine)
    return store


def found(directory: Path) -> list[str]:
    return [file.name for file in directory.glob("store.db*") if MARKER in file.read_bytes()]


def write_and_kill(directory: Path, config: Path, lines: int) -> list[str]:
    """What a writer told before it was killed, which was after so many lines."""
    command = [sys.executable, "-c", WRITER, f"sqlite://{directory}/store.db", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        return seen + [line for line in process.stdout if line.endswith("\n")]


@pytest.mark.parametrize("lines", [3, 40, 700])
async def test_kill_9(lines: int, tmp_path: Path, config: Path) -> None:
    seen = write_and_kill(tmp_path, config, lines)
    assert found(tmp_path) == []
    store = opened(tmp_path, config)
    assert store.sealed == frozenset()
    last = {key: (int(revision), int(i)) for key, revision, i in (line.split() for line in seen)}
    for key, (revision, i) in last.items():
        entry = await store.get(key)
        assert entry is not None
        assert entry.revision >= revision
        assert int(entry.value.removeprefix(MARKER)) >= i
    await store.close()


async def test_nothing_is_left_of_what_was_plain(tmp_path: Path, config: Path) -> None:
    store = opened(tmp_path, None)
    entries = [await store.create(f"{KEY}{number}", MARKER * 20) for number in range(200)]
    await store.close()
    assert found(tmp_path) == ["store.db"]
    store = opened(tmp_path, config)
    for entry in entries:
        await store.update(entry.key, entry.value, entry.revision)
    await store.delete(entries[0].key)
    await store.compact(store.revision)
    await store.purge()
    assert found(tmp_path) == []
    assert len((await store.list(KEY)).entries) == 199
    await store.close()
    assert found(tmp_path) == []


async def test_a_compaction_overwrites_without_a_purge(tmp_path: Path, config: Path) -> None:
    """As time goes by, what was replaced goes, even if nobody asks for it."""
    store = opened(tmp_path, None)
    entries = [await store.create(f"{KEY}{number}", MARKER * 20) for number in range(200)]
    await store.close()
    store = opened(tmp_path, config)
    for entry in entries:
        await store.update(entry.key, entry.value, entry.revision)
    await store.compact(store.revision)
    await store.close()
    assert found(tmp_path) == []
