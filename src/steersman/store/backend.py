"""How a backend declares itself: `steersman.store.backends` modules export one of these as `BACKEND`."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from steersman.api.clock import Clock
from steersman.store.protocol import Store
from steersman.store.sealing import Sealing


class Open(Protocol):
    """Opens what a location names; without `sealing`, values are kept as they are."""

    def __call__(self, location: str, clock: Clock, sealing: Sealing | None = None, /) -> Store:
        """A store that is ready. Raises BadLocation, StoreLocked or OSError."""
        ...


class Backend(Struct, frozen=True):
    """A URL scheme, and what opens the part after it."""

    scheme: str
    open: Open
