"""What is SQLite's own: the file, its lock, a full disk, and a process that is killed while it writes."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from steersman import store as stores
from steersman.api.clock import RealClock
from steersman.store import BadLocation, CommitFailed, ReadFailed, StoreClosed, StoreLocked
from steersman.store.backends.sqlite import SQLiteJournal
from steersman.store.engine import Engine

# Creates and updates, printing what was acknowledged.
WRITER = """
import asyncio, sys
from steersman import store
from steersman.api.clock import RealClock

async def main():
    target = store.open(sys.argv[1], RealClock())
    print("ready", flush=True)
    async def writer(number):
        entry = await target.create(f"/a/{number}", b"0")
        for i in range(1, 1_000_000):
            entry = await target.update(entry.key, b"%d" % i * 500, entry.revision)
            sys.stdout.write(f"{entry.key} {entry.revision} {i}\\n")
            sys.stdout.flush()
    await asyncio.gather(*(writer(number) for number in range(8)))

asyncio.run(main())
"""


def url(path: Path) -> str:
    return f"sqlite://{path}"


def write_and_kill(path: Path, lines: int) -> list[str]:
    """What a writer told before it was killed, which was after so many lines."""
    with subprocess.Popen([sys.executable, "-c", WRITER, url(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        seen = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        return seen + [line for line in process.stdout if line.endswith("\n")]


@pytest.mark.parametrize("lines", [0, 5, 500])
async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "store.db"
    seen = write_and_kill(path, lines)
    store = stores.open(url(path), RealClock())
    last = {key: (int(revision), int(i)) for key, revision, i in (line.split() for line in seen)}
    for key, (revision, i) in last.items():
        entry = await store.get(key)
        assert entry is not None
        # The write after the last one that was told of may be there too.
        assert entry.revision >= revision
        written = await store.get(key, revision)
        assert written is not None
        assert written.value == b"%d" % i * 500
    watch = store.watch("", 1)
    if store.revision > 1:
        revisions: list[int] = []
        while len(revisions) < store.revision - 1:
            revisions += [event.revision for event in await anext(watch)]
        assert revisions == list(range(2, store.revision + 1))
    watch.close()
    await store.close()


async def test_one_owner(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = stores.open(url(path), RealClock())
    with pytest.raises(StoreLocked, match=r"is open already \(pid \d+\)"):
        stores.open(url(path), RealClock())
    await store.close()
    await stores.open(url(path), RealClock()).close()


async def test_nobody_else_may_read_the_files(tmp_path: Path) -> None:
    store = stores.open(url(tmp_path / "new" / "store.db"), RealClock())
    await store.create("/a/x", b"secret")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    assert modes == dict.fromkeys(["store.db", "store.db-wal", "store.db-shm", "store.db.lock"], 0o600)
    await store.close()


def test_a_file_that_is_something_else(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no database, but long enough to be taken for one" * 100)
    with pytest.raises(BadLocation, match="cannot be used as a store"):
        stores.open(url(path), RealClock())


def test_a_database_of_somebody_else(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(BadLocation, match="not a store of this version"):
        stores.open(url(path), RealClock())


async def test_a_full_disk_fails_writes_and_nothing_else(tmp_path: Path) -> None:
    journal = SQLiteJournal(tmp_path / "store.db")
    store = Engine(journal, RealClock())
    first = await store.create("/a/first", b"1")
    journal._write_to.execute("PRAGMA max_page_count = 20")
    results = await asyncio.gather(*(store.create(f"/a/{i}", b"x" * 20_000) for i in range(20)), return_exceptions=True)
    assert all(isinstance(result, CommitFailed) for result in results)
    assert (await store.list("")).entries == [first]
    second = await store.update("/a/first", b"2", first.revision)
    assert second.revision == first.revision + 1
    journal._write_to.execute("PRAGMA max_page_count = 100000")
    await store.create("/a/large", b"x" * 200_000)
    await store.close()
    store = Engine(SQLiteJournal(tmp_path / "store.db"), RealClock())
    assert [entry.key for entry in (await store.list("")).entries] == ["/a/first", "/a/large"]
    await store.close()


async def test_compaction_gives_space_back(tmp_path: Path) -> None:
    journal = SQLiteJournal(tmp_path / "store.db")
    store = Engine(journal, RealClock())
    entry = await store.create("/a/x", b"0")
    for i in range(20):
        entry = await store.update("/a/x", b"%d" % i, entry.revision)
    await store.create("/a/gone", b"1")
    await store.delete("/a/gone")
    await store.compact(store.revision)
    (rows,) = journal._read_from.execute("SELECT count(*) FROM history").fetchone()
    assert rows == 1
    await store.close()


async def test_what_cannot_be_read(tmp_path: Path) -> None:
    journal = SQLiteJournal(tmp_path / "store.db")
    store = Engine(journal, RealClock())
    await store.create("/a/x", b"0")
    journal._write_to.execute("DROP TABLE history")
    with pytest.raises(ReadFailed, match="no such table"):
        await store.get("/a/x", 1)
    with pytest.raises(ReadFailed):
        await anext(store.watch("/a/", 1))
    with pytest.raises(CommitFailed):
        await store.compact(2)
    with pytest.raises(CommitFailed):
        await store.create("/a/y", b"0")
    await store.close()


async def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = stores.open(url(path), RealClock())
    for i in range(50):
        await store.create(f"/a/{i}", b"x" * 5000)
    await store.close()
    content = bytearray(path.read_bytes())
    content[3 * 8192 : 20 * 8192] = b"\xff" * (17 * 8192)
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(BadLocation, match="malformed"):
            stores.open(url(path), RealClock())


async def test_compaction_is_interrupted_by_closing(tmp_path: Path) -> None:
    store = stores.open(url(tmp_path / "store.db"), RealClock())
    entry = await store.create("/a/x", b"0")
    for i in range(40):
        entry = await store.update("/a/x", b"%d" % i, entry.revision)
    compaction = asyncio.create_task(store.compact(store.revision))
    await asyncio.sleep(0)
    await store.close()
    with pytest.raises((StoreClosed, CommitFailed)):
        await compaction
    store = stores.open(url(tmp_path / "store.db"), RealClock())
    assert (await store.list("")).entries == [entry]
    await store.compact(store.revision)
    assert store.compacted == store.revision
    await store.close()
