"""Which providers a key's value goes through: the rules of a configuration, looked up by the resource in the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from steersman.api.clock import RealClock
from steersman.apiserver.encryption import counting
from steersman.store.sealing import PLAIN, PREFIX, OpenFailed, Origin, SealFailed

_now = RealClock.monotonic

GroupResource = tuple[str, str]
"""Group and plural; `*` stands for any."""

ANY: GroupResource = ("*", "*")


def group_resource(text: str) -> tuple[str, str]:
    """`plural.group` as (group, plural)."""
    plural, _, group = text.partition(".")
    return group, plural


def shown(group: str, plural: str) -> str:
    """The reverse, as people write it."""
    return f"{plural}.{group}" if group or plural == "*" else plural


def resource_of(key: str) -> str:
    """The resource of what is stored at a key, as metrics name it."""
    parts = key.split("/", 4)
    return shown("" if parts[2] == "core" else parts[2], parts[3]) if len(parts) > 3 else ""


class Provider(Protocol):
    """One provider of a rule, with all of its keys."""

    @property
    def prefix(self) -> bytes:
        """What its records begin with."""

    @property
    def origin(self) -> Origin:
        """How it would seal now."""

    def reads(self, origin: Origin) -> bool:
        """Whether it has the key for what was sealed in that way."""

    def seal(self, key: str, value: bytes) -> tuple[bytes, Origin]:
        """The record. Raises SealFailed."""

    def open(self, key: str, stored: bytes) -> tuple[bytes, Origin]:
        """The value of a record that begins with the prefix. Raises OpenFailed."""


class Unchanged:
    """The provider that leaves values as they are, and refuses to take for one what is encrypted."""

    prefix = b""
    origin = PLAIN

    def reads(self, origin: Origin) -> bool:
        return origin == PLAIN

    def seal(self, key: str, value: bytes) -> tuple[bytes, Origin]:
        return value, PLAIN

    def open(self, key: str, stored: bytes) -> tuple[bytes, Origin]:
        if stored.startswith(PREFIX):
            raise OpenFailed("identity transformer tried to read encrypted data")
        return stored, PLAIN


class Chain:
    """The providers of a resource: the first seals, all open, by the prefix of the record."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self.providers = tuple(providers)
        self.writer = self.providers[0]
        self._prefix = self.writer.prefix.decode()

    def seal(self, key: str, value: bytes) -> tuple[bytes, Origin]:
        """The record. Raises SealFailed."""
        since = _now()
        try:
            found = self.writer.seal(key, value)
        except SealFailed as error:
            counting.transformed(resource_of(key), counting.TO_STORAGE, self._prefix, 0.0, error)
            raise
        counting.transformed(resource_of(key), counting.TO_STORAGE, self._prefix, _now() - since)
        return found

    def open(self, key: str, stored: bytes) -> tuple[bytes, Origin]:
        """The value. Raises OpenFailed."""
        reasons, since, resource = [], _now(), resource_of(key)
        for provider in self.providers:
            if stored.startswith(provider.prefix) if provider.prefix else not stored.startswith(PREFIX):
                prefix = provider.prefix.decode() or "identity"
                try:
                    found = provider.open(key, stored)
                except OpenFailed as error:
                    # Two providers of one kind share their prefix.
                    counting.transformed(resource, counting.FROM_STORAGE, prefix, 0.0, error)
                    reasons.append(str(error))
                else:
                    counting.transformed(resource, counting.FROM_STORAGE, prefix, _now() - since)
                    return found
        failed = OpenFailed(_joined(reasons) or self._unmatched(stored))
        if not reasons:
            counting.transformed(resource, counting.FROM_STORAGE, "unknown", 0.0, failed)
        raise failed

    def reads(self, origin: Origin) -> bool:
        """Whether what was sealed in that way can be opened."""
        return any(provider.reads(origin) for provider in self.providers)

    def _unmatched(self, stored: bytes) -> str:
        if len(self.providers) == 1 and not self.writer.prefix:
            return "identity transformer tried to read encrypted data"
        return "no matching prefix found"


def _joined(reasons: list[str]) -> str:
    distinct = list(dict.fromkeys(reasons))
    return distinct[0] if len(distinct) == 1 else f"[{', '.join(distinct)}]" if distinct else ""


UNCHANGED = Chain((Unchanged(),))


class Table:
    """The chains of all resources. `rules` has them by resource, wildcards included; what no rule names stays plain."""

    def __init__(self, rules: Mapping[GroupResource, Chain]) -> None:
        self._rules = dict(rules)
        # By the part of a key that says which resource it is; there are not many.
        self._known: dict[str, Chain] = {}

    @property
    def rules(self) -> Mapping[GroupResource, Chain]:
        return self._rules

    def chain(self, key: str) -> Chain:
        """What a key's value goes through."""
        end = key.find("/", key.find("/", 10) + 1)
        if end < 0:
            return UNCHANGED
        place = key[:end]
        found = self._known.get(place)
        if found is None:
            found = self._known[place] = self._find(key)
        return found

    def _find(self, key: str) -> Chain:
        parts = key.split("/")
        if len(parts) < 5 or parts[1] != "registry":
            return UNCHANGED
        group, plural = "" if parts[2] == "core" else parts[2], parts[3]
        for name in ((group, plural), (group, "*"), ANY):
            if name in self._rules:
                return self._rules[name]
        return UNCHANGED


class Tables:
    """The table in force: what the store is given, and what a configuration that is read again replaces."""

    def __init__(self, table: Table, *, active: bool) -> None:
        self.table = table
        self.active = active

    def seal(self, key: str, value: bytes) -> tuple[bytes, Origin]:
        chain = self.table.chain(key)
        # What nobody wants to be encrypted is not worth counting.
        return chain.writer.seal(key, value) if chain is UNCHANGED else chain.seal(key, value)

    def open(self, key: str, stored: bytes) -> tuple[bytes, Origin]:
        chain = self.table.chain(key)
        if chain is UNCHANGED and not stored.startswith(PREFIX):
            return stored, PLAIN
        return chain.open(key, stored)

    def current(self, key: str) -> Origin:
        return self.table.chain(key).writer.origin
