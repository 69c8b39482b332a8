"""Writing again what is stored otherwise than it would be now, value by value, without changing what any says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from steersman.api.errors import StatusError
from steersman.store.errors import RevisionMismatch, StoreError
from steersman.store.protocol import Entry, Store
from steersman.store.sealing import Sealed

log = logging.getLogger(__name__)

AT_ONCE = 64
"""Writes under way together: they share commits."""
ROUNDS = 5
"""How often everything is looked at again, because keys may change meanwhile."""


class Progress(Struct):
    """How a rewriting goes: `total` values had to be written when it began, `done` are, `left` could not be at its end."""

    number: int = 0
    running: bool = False
    total: int = 0
    done: int = 0
    left: int = 0
    error: str = ""


class Rewriting:
    """Rewrites one demand after the other; `run` does it. Interrupted, the next demand goes on with what is left."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted: Sequence[str] | None = None
        self._wake = asyncio.Event()
        self.progress = Progress()

    def begin(self, prefixes: Sequence[str]) -> int:
        """Asks for everything stale under these prefixes to be rewritten; returns the number that `progress` has then.

        Raises StatusError while another rewriting runs: what has become stale since it began, it may miss.
        """
        if self.progress.running:
            raise StatusError("another rewriting is under way", code=409, reason="Conflict")
        self.progress = Progress(number=self.progress.number + 1, running=True)
        self._wanted = prefixes
        self._wake.set()
        return self.progress.number

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            prefixes, self._wanted = self._wanted or (), None
            try:
                await self._rewrite(prefixes)
            except StoreError as error:
                log.error("values are not all written again: %s", error)
                self.progress.error = str(error)
            finally:
                self.progress.running = False

    def stale(self, prefix: str) -> list[str]:
        """The keys under a prefix whose values would be stored otherwise now, and can be read."""
        store = self._store
        return [key for key, origin in store.origins(prefix) if origin is not None and store.stale(key)]

    async def _rewrite(self, prefixes: Sequence[str]) -> None:
        progress = self.progress
        progress.total = sum(len(self.stale(prefix)) for prefix in prefixes)
        for _ in range(ROUNDS):
            for prefix in prefixes:
                await self._rewrite_keys(self.stale(prefix))
            progress.left = sum(len(self.stale(prefix)) for prefix in prefixes)
            if not progress.left:
                break
        # What was replaced is history, which has the old form.
        if await self._store.reseal():
            # Of what nobody can read no copy is to be kept either.
            await self._store.compact(self._store.revision)
        await self._store.purge()
        log.info("%d values were written again, %d are left", progress.done, progress.left)

    async def _rewrite_keys(self, keys: list[str]) -> None:
        for start in range(0, len(keys), AT_ONCE):
            found = await asyncio.gather(*(self._touch(key) for key in keys[start : start + AT_ONCE]))
            self.progress.done += sum(found)

    async def _touch(self, key: str) -> bool:
        """Writes one value again; whether that was needed. Who writes at the same time does it as well."""
        entry: Entry | None = await self._store.get(key)
        if entry is None or isinstance(entry.value, Sealed) or not self._store.stale(key):
            return False
        try:
            await self._store.update(key, entry.value, entry.revision)
        except RevisionMismatch:
            return False
        return True


def told(progress: Progress) -> dict[str, Any]:
    """For whoever asks over HTTP."""
    return {name: getattr(progress, name) for name in progress.__struct_fields__}
