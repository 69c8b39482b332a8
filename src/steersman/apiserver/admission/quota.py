"""Whether a write fits into the quotas of its namespace, and what it costs each. Decisions only; the plugin carries them out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from steersman.api import quantity
from steersman.api.quantity import Quantity
from steersman.apiserver.admission.framework import CREATE, UPDATE, Reader, Review
from steersman.apiserver.admission.quota_ledger import Promise
from steersman.kinds.core import quota_usage
from steersman.kinds.core.quota_usage import Amounts, Meter
from steersman.kinds.types.core_v1 import PersistentVolumeClaim, Pod, ResourceQuota, Service

Charges = dict[str, Amounts]
"""What a write costs, by quota."""

_UPDATED = {("", "services"): {""}, ("", "persistentvolumeclaims"): {"", "status"}, ("", "pods"): {"resize"}}
_TYPES: Mapping[tuple[str, str], type[Pod | Service | PersistentVolumeClaim]] = {
    ("", "pods"): Pod,
    ("", "services"): Service,
    ("", "persistentvolumeclaims"): PersistentVolumeClaim,
}


class Refused(Exception):
    """The write does not fit; the text says why."""


@dataclass(slots=True)
class Account:
    """A quota, and what is used of it counting what has just been admitted and given back."""

    quota: ResourceQuota
    used: Amounts = field(default_factory=dict)
    charged: list[Amounts] = field(default_factory=list)

    @classmethod
    def of(cls, quota: ResourceQuota) -> Account:
        return cls(quota, dict(quota.status.used or {}))

    @property
    def name(self) -> str:
        return str(self.quota.metadata.name)

    @property
    def changed(self) -> bool:
        return self.used != (self.quota.status.used or {})

    def charge(self, amounts: Amounts) -> None:
        self.charged.append(amounts)
        for name, amount in amounts.items():
            self.used[name] = quantity.add(self.used[name], amount)

    def give_back(self, amounts: Amounts) -> None:
        """What was charged for nothing; never below zero, for it may have been counted away already."""
        for name, amount in amounts.items():
            if name in self.used:
                left = quantity.sub(self.used[name], amount)
                self.used[name] = left if quantity.nano(left) > 0 else "0"


def meter_for(review: Review) -> Meter | None:
    """How this write counts; None when it cannot cost anything."""
    name = (review.resource.group, review.resource.plural)
    if not review.namespace or name == ("", "namespaces"):
        return None
    if review.operation == CREATE and not review.subresource:
        return quota_usage.meter(*name)
    if review.operation == UPDATE and review.subresource in _UPDATED.get(name, ()):
        return quota_usage.meter(*name)
    return None


def charges(review: Review, meter: Meter, accounts: Iterable[Account], now: datetime) -> Charges:
    """What the write costs each quota. Raises Refused."""
    found: Charges = {}
    for account in accounts:
        tracked = sorted(n for n in account.quota.status.hard or {} if meter.tracks(n))
        if not tracked or not meter.covers(account.quota, review.object):
            continue
        if missing := meter.missing(review.object, tracked):
            raise Refused(f"failed quota: {account.name}: {missing}")
        if any(name not in account.used for name in tracked):
            raise Refused(f"status unknown for quota: {account.name}, resources: {','.join(tracked)}")
        amounts = _cost(review, meter, account.quota, tracked, now)
        _check(account, amounts)
        if amounts:
            found[account.name] = amounts
    return found


def _cost(review: Review, meter: Meter, quota: ResourceQuota, names: Sequence[str], now: datetime) -> Amounts:
    """What the write adds; what it frees is given back when the controller counts again."""
    after = meter.usage(review.object, now)
    before = meter.usage(review.old, now) if review.old is not None and meter.covers(quota, review.old) else {}
    added = {n: quantity.sub(after[n], before[n]) if n in before else after[n] for n in names if n in after}
    if negative := sorted(n for n in names if n in after and quantity.nano(after[n]) < 0):
        raise Refused(f"quota usage is negative for resource(s): {','.join(negative)}")
    return {n: amount for n, amount in added.items() if quantity.nano(amount) > 0}


def _check(account: Account, amounts: Amounts) -> None:
    hard = account.quota.status.hard or {}
    exceeded = [
        n for n, amount in amounts.items() if quantity.compare(quantity.add(account.used[n], amount), hard[n]) > 0
    ]
    if exceeded:
        requested, used, limited = (_shown(part, exceeded) for part in (amounts, account.used, hard))
        raise Refused(f"exceeded quota: {account.name}, requested: {requested}, used: {used}, limited: {limited}")


def _shown(amounts: Mapping[str, Quantity], names: Iterable[str]) -> str:
    return ",".join(f"{name}={amounts[name]}" for name in sorted(names))


def at_least(
    quota: ResourceQuota, given: Amounts, promises: Iterable[Promise], reader: Reader, now: datetime
) -> Amounts:
    """The usage that somebody has counted, raised to what is stored and promised: whoever counts may be behind."""
    namespace = quota.metadata.namespace
    # What has been stored meanwhile is counted there.
    open_ = [p.amounts for p in promises if not (p.name and reader.exists(p.group, p.plural, namespace, p.name))]
    by_resource: dict[tuple[str, str], list[str]] = {}
    for name in given:
        resource = quota_usage.counted_by(name)
        if resource is not None:
            by_resource.setdefault(resource, []).append(name)
    raised = dict(given)
    for resource, names in by_resource.items():
        stored = _stored(quota, resource, names, reader, now)
        truth = quota_usage.total([stored, *open_], names)
        raised.update({name: amount for name, amount in truth.items() if quantity.compare(amount, given[name]) > 0})
    return raised


def _stored(
    quota: ResourceQuota, resource: tuple[str, str], names: Iterable[str], reader: Reader, now: datetime
) -> Amounts:
    meter = quota_usage.meter(*resource)
    namespace = quota.metadata.namespace
    type_ = _TYPES.get(resource)
    if meter is None:
        return {}
    if type_ is None:
        # Nothing but the number is asked, and no scope chooses among these.
        count = 0 if quota_usage.scopes_of(quota) else reader.count(*resource, namespace) or 0
        return dict.fromkeys(names, str(count))
    objects = (obj for obj in reader.list(type_, namespace) if meter.covers(quota, obj))
    return quota_usage.total((meter.usage(obj, now) for obj in objects), names)
