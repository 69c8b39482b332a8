"""Where the cluster's objects are kept: the Store protocol and its backends. Knows keys and bytes, no objects."""

from __future__ import annotations

import importlib
import pkgutil

from steersman.api.clock import Clock
from steersman.store import backends
from steersman.store.backend import Backend
from steersman.store.errors import (
    BadLocation,
    CommitFailed,
    Compacted,
    FutureRevision,
    KeyExists,
    KeyNotFound,
    ReadFailed,
    RevisionMismatch,
    StoreClosed,
    StoreError,
    StoreLocked,
    WatchOverflow,
)
from steersman.store.protocol import Entry, Event, EventType, Listing, Store, Watch
from steersman.store.sealing import Sealing

__all__ = [
    "Backend",
    "BadLocation",
    "CommitFailed",
    "Compacted",
    "Entry",
    "Event",
    "EventType",
    "FutureRevision",
    "KeyExists",
    "KeyNotFound",
    "Listing",
    "ReadFailed",
    "RevisionMismatch",
    "Store",
    "StoreClosed",
    "StoreError",
    "StoreLocked",
    "Watch",
    "WatchOverflow",
    "discover",
    "open",
]


def discover() -> dict[str, Backend]:
    """The backends there are, by scheme."""
    names = (module.name for module in pkgutil.iter_modules(backends.__path__))
    found = [importlib.import_module(f"{backends.__name__}.{name}").BACKEND for name in names]
    return {backend.scheme: backend for backend in found}


def open(url: str, clock: Clock, sealing: Sealing | None = None) -> Store:
    """Opens the store at `url`: `memory://`, or `sqlite:///path/to/file` (`sqlite://relative/path`).

    `sealing` says how values are kept, if not as they are. The store belongs to the event loop that first uses it. Raises
    BadLocation for a URL that no backend takes, StoreLocked for a database that another process has open, OSError for what the disk refuses.
    """
    scheme, separator, location = url.partition("://")
    known = discover()
    if not separator or scheme not in known:
        expected = ", ".join(f"{name}://" for name in sorted(known))
        raise BadLocation(f"store URL {url!r} must begin with one of {expected}")
    return known[scheme].open(location, clock, sealing)
