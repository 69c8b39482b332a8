"""How a backend declares itself: `steersman.store.backends` modules export one of these as `BACKEND`."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from steersman.api.clock import Clock
from steersman.store.protocol import Store
from steersman.store.sealing import Sealing


class Backend(Struct, frozen=True):
    """A URL scheme, and what opens the part after `scheme://`.

    `open` returns a store that is ready, or raises BadLocation, StoreLocked or OSError.
    """

    scheme: str
    open: Callable[[str, Clock, Sealing | None], Store]
