"""Configuration files that may change while the server runs: looked at again and again, and taken over when they are good."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Generic, TypeVar

from steersman.api.clock import Clock
from steersman.api.configuration import ConfigurationError, read_bytes
from steersman.apiserver.reloads import Reloads

log = logging.getLogger(__name__)

T = TypeVar("T")

INTERVAL = 60.0
"""Seconds between two looks at a file, as upstream."""


class Reloading(Generic[T]):
    """What was made of a file's content, kept up to date by `run`.

    `make` makes it of the bytes, or raises ConfigurationError; `taken` is awaited with what is new after the first time. A
    content that cannot be taken is logged once, and what was there before stays.
    """

    def __init__(
        self,
        path: Path,
        make: Callable[[bytes], T],
        clock: Clock,
        taken: Callable[[T], Awaitable[None]] | None = None,
        interval: float = INTERVAL,
    ) -> None:
        """Reads the file. Raises ConfigurationError."""
        self._path, self._make, self._clock = path, make, clock
        self._taken, self._interval = taken, interval
        self._seen = read_bytes(path)
        self.current: T = make(self._seen)
        self.reloads = Reloads(clock, self._seen)

    async def run(self) -> None:
        """Look at the file now and then, until cancelled."""
        while True:
            await self._clock.sleep(self._interval)
            await self.look()

    async def look(self) -> bool:
        """Take what the file says now; whether that was something new and good."""
        try:
            content = read_bytes(self._path)
            if content == self._seen:
                return False
            self._seen = content
            made = self._make(content)
        except ConfigurationError as error:
            self.reloads.failed()
            log.error("what was read before stays in force: %s", error)
            return False
        self.current = made
        if self._taken is not None:
            await self._taken(made)
        self.reloads.taken(content)
        log.info("%s was read again", self._path)
        return True
