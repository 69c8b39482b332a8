"""The store in one SQLite file: the default. A write-ahead log, synced for every commit; `kill -9` loses nothing.

One thread writes and one reads. Only one process may have the file open, which a lock beside it ensures:
the engine decides writes by what it has in memory.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from steersman.api.clock import Clock
from steersman.store.backend import Backend
from steersman.store.engine import Engine
from steersman.store.errors import BadLocation, CommitFailed, ReadFailed, StoreLocked
from steersman.store.journal import Changed, Done, Row, State
from steersman.store.protocol import FIRST_REVISION, Entry, Event, Store
from steersman.store.sealing import Sealing
from steersman.store.worker import Worker

R = TypeVar("R")

FORMAT = 1
"""The layout below, as the file's user_version."""

# A row per write. `value` is NULL for a deletion. `previous` is the revision of the row that this one replaced, 0 for
# none. There is no index by key: appending to one tree is what makes a commit cheap, and who needs keys in order has
# them in memory.
SCHEMA = """
CREATE TABLE history (
  revision INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  create_revision INTEGER NOT NULL,
  previous INTEGER NOT NULL,
  value BLOB
);
CREATE TABLE compaction (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
"""

INSERT = "INSERT INTO history (revision, key, create_revision, previous, value) VALUES "
ROW = "(?, ?, ?, ?, ?)"
LOAD = "SELECT revision, key, create_revision, value FROM history ORDER BY revision"
EVENTS = """
SELECT h.key, h.revision, h.value, p.value, h.previous
FROM history h LEFT JOIN history p ON p.revision = h.previous
WHERE h.revision > ? AND h.revision <= ? AND h.key >= ? AND h.key < ?
ORDER BY h.revision LIMIT ?
"""
# Newest first, so that the first change of a key is the one that stays in a dict.
CHANGES = """
SELECT key, previous FROM history
WHERE revision > ? AND revision <= ? AND key >= ? AND key < ?
ORDER BY revision DESC
"""
VERSION = "SELECT key, value, create_revision FROM history WHERE revision = ?"
DROP_REPLACED = """
DELETE FROM history WHERE revision IN
  (SELECT previous FROM history WHERE revision > ? AND revision <= ? AND previous > 0)
"""
DROP_DELETIONS = "DELETE FROM history WHERE revision > ? AND revision <= ? AND value IS NULL"

AT_ONCE = 64
"""Rows of one INSERT. A commit of so many is one statement and so its own transaction: each statement lets go of the interpreter
and has to wait for it afterwards, which costs more than the row does."""

VALUES = """
SELECT revision, key, value FROM history
WHERE revision > ? AND revision <= ? AND value IS NOT NULL ORDER BY revision LIMIT ?
"""
CHANGE_STEP = 200
"""Values looked at together; commits of writes take turns with what is written of them."""

COMPACTION_STEP = 1000
"""Revisions dropped in one transaction: commits of writes take turns with these."""


class SQLiteJournal:
    """A journal in the file at `path`, which is made if it is missing.

    With `secure`, what is deleted is overwritten in every case, and not only where that costs no further write.
    Raises StoreLocked, BadLocation for a file that is something else, OSError.
    """

    def __init__(self, path: Path, *, secure: bool = False) -> None:
        self._path = path
        self._lock = _lock(path)
        try:
            self._write_to = _connect(path)
            if secure:
                self._write_to.execute("PRAGMA secure_delete = ON")
            _prepare(self._write_to, path)
            self._read_from = _connect(path)
            self._read_from.execute("PRAGMA query_only = ON")
        except BaseException as error:
            os.close(self._lock)
            if isinstance(error, sqlite3.Error):
                raise BadLocation(f"{path} cannot be used as a store: {error}") from error
            raise
        self._compacted = FIRST_REVISION
        self._writer = Worker("store-writer")
        self._reader = Worker("store-reader")
        self._closed = False

    def load(self) -> State:
        try:
            return self._load()
        except sqlite3.Error as error:
            self._release()
            raise BadLocation(f"{self._path} cannot be read: {error}") from error

    def _load(self) -> State:
        (compacted,) = self._read_from.execute("SELECT revision FROM compaction").fetchone()
        self._compacted = compacted
        newest = compacted
        entries: dict[str, Entry] = {}
        with closing(self._read_from.execute(LOAD)) as rows:
            for newest, key, created, value in rows:
                if value is None:
                    entries.pop(key, None)
                else:
                    entries[key] = Entry(key, value, newest, created)
        return State(entries, max(newest, compacted), compacted)

    def commit(self, rows: Sequence[Row], done: Done) -> None:
        batches = [_insertion(rows[start : start + AT_ONCE]) for start in range(0, len(rows), AT_ONCE)]

        def act() -> None:
            if len(batches) == 1:
                self._write_to.execute(*batches[0])
                return
            with _Transaction(self._write_to):
                for statement, values in batches:
                    self._write_to.execute(statement, values)

        self._writer.submit(act, lambda _, failure: done(failure))

    async def _read(self, act: Callable[[], R]) -> R:
        try:
            return await self._reader.run(act)
        except sqlite3.Error as error:
            raise ReadFailed(f"{self._path} cannot be read: {error}") from error

    async def events(self, low: str, high: str, after: int, upto: int, limit: int) -> list[Event]:
        def act() -> list[Event]:
            rows = self._read_from.execute(EVENTS, (after, upto, low, high, limit))
            return [
                Event(key, revision, value or b"", before, previous) for key, revision, value, before, previous in rows
            ]

        return await self._read(act)

    async def changes(self, low: str, high: str, after: int, upto: int) -> dict[str, int]:
        def act() -> dict[str, int]:
            return dict(self._read_from.execute(CHANGES, (after, upto, low, high)))

        return await self._read(act)

    async def versions(self, revisions: Sequence[int]) -> dict[int, Entry]:
        def act() -> dict[int, Entry]:
            found: dict[int, Entry] = {}
            for revision in revisions:
                row = self._read_from.execute(VERSION, (revision,)).fetchone()
                if row is not None:
                    found[revision] = Entry(row[0], row[1], revision, row[2])
            return found

        return await self._read(act)

    async def compact(self, upto: int) -> None:
        while self._compacted < upto:
            try:
                await self._writer.run(lambda: self._compact_step(upto))
            except sqlite3.Error as error:
                raise CommitFailed(f"compaction of {self._path} failed: {error}") from error

    def _compact_step(self, upto: int) -> None:
        after = self._compacted
        end = min(upto, after + COMPACTION_STEP)
        if end <= after:
            return
        with _Transaction(self._write_to):
            self._write_to.execute(DROP_REPLACED, (after, end))
            self._write_to.execute(DROP_DELETIONS, (after, end))
            self._write_to.execute("UPDATE compaction SET revision = ?", (end,))
        self._compacted = end

    async def change(self, upto: int, changed: Changed) -> None:
        after = 0
        while after < upto:
            rows = await self._values(after, upto)
            # Making the new values may take long: writers do not wait for that.
            news = await asyncio.to_thread(
                lambda rows: [(new, row[0]) for row in rows if (new := changed(*row)) is not None], rows
            )
            try:
                await self._writer.run(partial(self._replace, news))
            except sqlite3.Error as error:
                raise CommitFailed(f"history in {self._path} cannot be written again: {error}") from error
            after = rows[-1][0] if len(rows) == CHANGE_STEP else upto

    async def _values(self, after: int, upto: int) -> list[tuple[int, str, bytes]]:
        return await self._read(lambda: self._read_from.execute(VALUES, (after, upto, CHANGE_STEP)).fetchall())

    def _replace(self, news: Sequence[tuple[bytes, int]]) -> None:
        with _Transaction(self._write_to):
            self._write_to.executemany("UPDATE history SET value = ? WHERE revision = ?", news)

    async def purge(self) -> None:
        try:
            await self._writer.run(self._purge)
        except sqlite3.Error as error:
            raise CommitFailed(f"{self._path} cannot be written anew: {error}") from error

    def _purge(self) -> None:
        # The copy that is made on the way must not lie in a file of its own.
        self._write_to.execute("PRAGMA temp_store = MEMORY")
        self._write_to.execute("VACUUM")
        # Old pages are in the log too, until it is cut off. That waits for a reader who is not done yet.
        (busy, _, _) = self._write_to.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise sqlite3.OperationalError("the log cannot be cut off, because somebody reads")

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._reader.run(self._read_from.close)
        # The last connection to close folds the log into the file.
        await self._writer.run(self._write_to.close)
        self._release()

    def _release(self) -> None:
        """Lets go of the threads, the file and its lock."""
        self._reader.stop()
        self._writer.stop()
        self._read_from.close()
        self._write_to.close()
        os.close(self._lock)


def _insertion(rows: Sequence[Row]) -> tuple[str, list[int | str | bytes | None]]:
    """The statement that inserts these rows, and its parameters."""
    values = [v for row in rows for v in (row.revision, row.key, row.create_revision, row.previous, row.value)]
    return INSERT + ", ".join([ROW] * len(rows)), values


class _Transaction:
    """All or nothing on one connection: commits at the end of the block, rolls back if it raises."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._connection.execute("COMMIT")
        finally:
            # True after a failed COMMIT too. SQLite itself has rolled back after some errors.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _lock(path: Path) -> int:
    """An open descriptor that holds the file's lock; the lock ends with the process, however that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise StoreLocked(f"{path} is open already (pid {owner})") from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _connect(path: Path) -> sqlite3.Connection:
    # The file holds Secrets: nobody else may read it, nor the log beside it, which takes over its mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    # Room for the statement of each size of a commit.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=AT_ONCE + 16)
    # Objects are a few KB: pages that hold several waste less (takes effect in a new file only).
    connection.execute("PRAGMA page_size = 8192")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = FAST")
    connection.execute(f"PRAGMA journal_size_limit = {64 << 20}")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Makes the tables in a new file; refuses the layout of a later version."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == FORMAT:
        return
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version or tables:
        raise BadLocation(f"{path} is not a store of this version (format {version}, expected {FORMAT})")
    with _Transaction(connection):
        for statement in SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO compaction VALUES (1, ?)", (FIRST_REVISION,))
        connection.execute(f"PRAGMA user_version = {FORMAT}")


def _open(location: str, clock: Clock, sealing: Sealing | None = None) -> Store:
    if not location:
        raise BadLocation("sqlite:// needs a path, such as sqlite:///var/lib/steersman/default/store.db")
    # What is replaced by something sealed must not stay readable in a page that is free.
    journal = SQLiteJournal(Path(location), secure=sealing is not None and sealing.active)
    return Engine(journal, clock, sealing=sealing)


BACKEND = Backend(scheme="sqlite", open=_open)
