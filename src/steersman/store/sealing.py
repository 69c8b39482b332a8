"""How values are kept unreadable in the record: what the engine asks of whoever encrypts, and what it knows of each key.

Above the engine everything sees plain values. A record that cannot be opened is a `Sealed` value: its key exists, has a
revision and can be deleted; what it says is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from msgspec import Struct

from steersman.store.errors import StoreError
from steersman.store.protocol import Entry


class Origin(Struct, frozen=True):
    """How a value was sealed: by which provider, with which of its keys. `mark` tells keys of one name apart, and is no secret.

    All are empty for what is recorded as it is.
    """

    provider: str
    key: str
    mark: str


PLAIN = Origin("", "", "")
PREFIX = b"k8s:enc:"
"""What every record begins with that is not plain."""


class SealFailed(StoreError):
    """A value cannot be sealed now; the write has not happened."""


class OpenFailed(StoreError):
    """A record cannot be opened: nobody has its key, or whoever has it does not answer."""


class Sealed(bytes):
    """A record that could not be opened, as it is stored; `reason` says why."""

    reason: str

    def __new__(cls, stored: bytes, reason: str) -> Sealed:
        """`stored` is the record."""
        found = super().__new__(cls, stored)
        found.reason = reason
        return found


class Sealing(Protocol):
    """Seals and opens values. What it does may change while it is used: keys come and go."""

    @property
    def active(self) -> bool:
        """Whether anything is ever sealed, and not merely refused."""

    def seal(self, key: str, value: bytes) -> tuple[bytes, Origin]:
        """The record of a value at a key. Must not block. Raises SealFailed."""

    def open(self, key: str, stored: bytes) -> tuple[bytes, Origin]:
        """The value of a record at that key. May block, and is called from any thread. Raises OpenFailed."""

    def current(self, key: str) -> Origin:
        """How a value at the key would be sealed now."""


class Vault:
    """Opens what a journal holds, and remembers how each key's present value is sealed.

    Only origins that are not PLAIN are kept, so that a store in which little is sealed pays for little.
    """

    def __init__(self, sealing: Sealing) -> None:
        self.sealing = sealing
        self._origins: dict[str, Origin] = {}
        self._sealed: set[str] = set()

    @property
    def sealed(self) -> frozenset[str]:
        """The keys whose present value cannot be read."""
        return frozenset(self._sealed)

    def load(self, entries: dict[str, Entry]) -> None:
        """Opens the entries that a journal holds, in place."""
        for key, entry in entries.items():
            value, origin = self._try(key, entry.value)
            if value is not entry.value:
                entries[key] = Entry(key, value, entry.revision, entry.create_revision)
                self.note(key, value, origin)

    def _try(self, key: str, stored: bytes) -> tuple[bytes, Origin]:
        try:
            return self.sealing.open(key, stored)
        except OpenFailed as error:
            return Sealed(stored, str(error)), PLAIN

    def opened(self, key: str, stored: bytes) -> bytes:
        """A record's value, or the record as a Sealed. May block if the record is not plain."""
        return self._try(key, stored)[0]

    def resealed(self, key: str, stored: bytes) -> bytes | None:
        """A record as it would be made now; None if it is so already. May block. Raises OpenFailed, SealFailed."""
        value, origin = self.sealing.open(key, stored)
        return None if origin == self.sealing.current(key) else self.sealing.seal(key, value)[0]

    def note(self, key: str, value: bytes, origin: Origin) -> None:
        """A key has a new value, sealed in this way."""
        if origin != PLAIN:
            self._origins[key] = origin
        else:
            self._origins.pop(key, None)
        if isinstance(value, Sealed):
            self._sealed.add(key)
        else:
            self._sealed.discard(key)

    def forget(self, key: str) -> None:
        """A key is gone."""
        self._origins.pop(key, None)
        self._sealed.discard(key)

    def stale(self, key: str) -> bool:
        """Whether the key's value would be recorded differently now."""
        return self._origins.get(key, PLAIN) != self.sealing.current(key)

    def origins(self, keys: Iterable[str]) -> Iterator[tuple[str, Origin | None]]:
        """How the present values of keys are sealed; None for what cannot be opened."""
        for key in keys:
            yield key, None if key in self._sealed else self._origins.get(key, PLAIN)

    def try_again(self, records: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes, Origin]]:
        """Which of these records can be opened now. May block."""
        found = []
        for key, stored in records:
            try:
                found.append((key, *self.sealing.open(key, bytes(stored))))
            except OpenFailed:
                continue
        return found
