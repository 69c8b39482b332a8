"""What the stored objects of a namespace use, kept from one count to the next: only objects that have changed are read again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api import quantity
from steersman.api.clock import Clock
from steersman.api.quantity import Quantity
from steersman.kinds.core import quota_usage
from steersman.kinds.core.quota_usage import Meter, Name

if TYPE_CHECKING:
    from steersman.apiserver.admission.framework import Reader
    from steersman.apiserver.cached import Cached
    from steersman.kinds.types.core_v1 import ResourceQuota

# So many objects are read at a time; then others have their turn.
_SLICE = 64
# Objects known, of all namespaces together. The tallies longest unused are forgotten.
_KNOWN = 200_000
_SHARED = 4096

Nanos = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One object as of a revision; after `until` it counts otherwise."""

    revision: int
    usage: Nanos
    until: datetime | None


@dataclass(slots=True)
class Tally:
    """The usage of one resource's objects in one namespace, as far as they are in a quota's scopes."""

    resource: Name
    type_: type[Any]
    meter: Meter
    totals: dict[str, int] = field(default_factory=dict)
    samples: dict[str, Quantity] = field(default_factory=dict)
    """An amount of each name as it was written: sums are written alike."""
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _shared: dict[tuple[tuple[str, int], ...], Nanos] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._entries)

    def behind(self, versions: Iterable[Cached], now: datetime) -> list[Cached]:
        """The objects that have changed since they were counted."""
        get = self._entries.get
        return [
            version
            for version in versions
            if (entry := get(version.name)) is None
            or entry.revision != version.revision
            or (entry.until is not None and entry.until < now)
        ]

    def count(self, quota: ResourceQuota, versions: Iterable[Cached], reader: Reader, now: datetime) -> None:
        """Read these objects."""
        for version in versions:
            obj = reader.decode(self.type_, version)
            amounts = self.meter.usage(obj, now) if self.meter.covers(quota, obj) else {}
            self.samples.update((n, amount) for n, amount in amounts.items() if n not in self.samples)
            usage = self._same({name: quantity.nano(amount) for name, amount in amounts.items()})
            self._drop(version.name)
            self._entries[version.name] = _Entry(version.revision, usage, quota_usage.ends(obj))
            for name, amount in usage.items():
                self.totals[name] = self.totals.get(name, 0) + amount

    def forget(self, versions: Sequence[Cached]) -> None:
        """Drop what is not there any more."""
        if len(self._entries) > len(versions):
            for name in self._entries.keys() - {version.name for version in versions}:
                self._drop(name)

    def _same(self, usage: Nanos) -> Nanos:
        """Most pods of a namespace use the same."""
        if len(self._shared) > _SHARED:
            self._shared.clear()
        return self._shared.setdefault(tuple(sorted(usage.items())), usage)

    def _drop(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            for used, amount in entry.usage.items():
                self.totals[used] -= amount


class Tallies:
    """Those of all quotas."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Tally] = OrderedDict()

    async def warm(self, quota: ResourceQuota, resources: Iterable[Name], reader: Reader, clock: Clock) -> None:
        """Have nearly everything counted, in slices between which others run; `stored` does the rest at once."""
        for resource in resources:
            tally = self._find(quota, resource)
            while tally is not None:
                behind = tally.behind(reader.versions(*resource, quota.metadata.namespace), clock.now())
                if len(behind) <= _SLICE:
                    break
                tally.count(quota, behind[:_SLICE], reader, clock.now())
                await clock.sleep(0)

    def stored(self, quota: ResourceQuota, resource: Name, reader: Reader, now: datetime) -> Tally | None:
        """The tally of what is stored now; None for resources that are only numbered."""
        tally = self._find(quota, resource)
        if tally is not None:
            versions = reader.versions(*resource, quota.metadata.namespace)
            tally.count(quota, tally.behind(versions, now), reader, now)
            tally.forget(versions)
            self._bound()
        return tally

    def _find(self, quota: ResourceQuota, resource: Name) -> Tally | None:
        meter, type_ = quota_usage.meter(*resource), quota_usage.type_of(resource)
        if meter is None or type_ is None:
            return None
        # Quotas with the same scopes share one.
        key = (quota.metadata.namespace, resource, tuple(quota_usage.scopes_of(quota)))
        tally = self._kept.get(key)
        if tally is None:
            tally = self._kept[key] = Tally(resource, type_, meter)
        self._kept.move_to_end(key)
        return tally

    def _bound(self) -> None:
        known = sum(map(len, self._kept.values()))
        while known > _KNOWN and len(self._kept) > 1:
            known -= len(self._kept.popitem(last=False)[1])
