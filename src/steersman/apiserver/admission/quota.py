"""Whether a write fits into the quotas of its namespace, and what it costs each. Decisions only; the plugin carries them out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from steersman.api import quantity
from steersman.api.quantity import Quantity
from steersman.apiserver.admission.framework import CREATE, UPDATE, Reader, Review
from steersman.apiserver.admission.quota_ledger import QuotaLedger
from steersman.kinds.core import quota_usage
from steersman.kinds.core.quota_usage import Amounts, Meter, Name, Scope
from steersman.kinds.types.core_v1 import ResourceQuota, ScopedResourceSelectorRequirement

Charges = dict[str, Amounts]
"""What a write costs, by quota."""

_PODS = ("", "pods")
# What may cost something when it changes, by subresource.
_UPDATED = {
    ("", "services"): {""},
    ("", "persistentvolumeclaims"): {"", "status"},
    _PODS: {"", "resize"},
    ("resource.k8s.io", "resourceclaims"): {""},
}


class Refused(Exception):
    """The write does not fit; the text says why. `failure` tells that clients get it as a failure of the server, as of old."""

    def __init__(self, why: str, *, failure: bool = False) -> None:
        super().__init__(why)
        self.failure = failure


class LimitedResource(Struct, kw_only=True, forbid_unknown_fields=True):
    """What is used only where some quota limits it: usage whose names contain one of `matchContains`, and objects in one of
    the scopes."""

    apiGroup: str = ""
    resource: str = ""
    matchContains: list[str] | None = None
    matchScopes: list[ScopedResourceSelectorRequirement] | None = None


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
        if name == _PODS and not review.subresource and not quota_usage.changes_scope(review.old, review.object):
            return None
        return quota_usage.meter(*name)
    return None


def charges(
    review: Review, meter: Meter, accounts: Sequence[Account], now: datetime, limited: Sequence[LimitedResource] = ()
) -> Charges:
    """What the write costs each quota. Raises Refused."""
    after = meter.usage(review.object, now)
    before = meter.usage(review.old, now) if review.old is not None else None
    concerned = list(_concerned(review, meter, accounts))
    if negative := sorted(name for name, amount in after.items() if quantity.nano(amount) < 0):
        raise Refused(f"quota usage is negative for resource(s): {','.join(negative)}")
    costs = [_added(after, before if _covered(review, meter, a) else None) for a, _ in concerned]
    # What no quota is concerned with is still to be allowed by one.
    if limited and any(costs or [_added(after, before)]):
        covered = {name for _, names in concerned for name in names}
        _check_limited(review, meter, accounts, after, covered, limited)
    found: Charges = {}
    for (account, names), added in zip(concerned, costs, strict=True):
        amounts = {name: added[name] for name in names if name in added}
        if amounts and review.subresource != "status":
            _check(account, amounts)
        if amounts:
            found[account.name] = amounts
    return found


def _concerned(review: Review, meter: Meter, accounts: Iterable[Account]) -> Iterator[tuple[Account, list[str]]]:
    """The quotas that the object is in, with what they limit of it. Raises Refused."""
    for account in accounts:
        tracked = sorted(n for n in account.quota.status.hard or {} if meter.tracks(n))
        if not tracked or not meter.covers(account.quota, review.object):
            continue
        if missing := meter.missing(review.object, tracked):
            raise Refused(f"failed quota: {account.name}: {missing}")
        if any(name not in account.used for name in tracked):
            raise Refused(f"status unknown for quota: {account.name}, resources: {','.join(tracked)}")
        yield account, tracked


def _covered(review: Review, meter: Meter, account: Account) -> bool:
    """Whether the object has been in the quota before."""
    return review.old is not None and meter.covers(account.quota, review.old)


def _added(after: Amounts, before: Amounts | None) -> Amounts:
    """What the write adds; what it frees is given back when the controller counts again."""
    before = before or {}
    added = {n: quantity.sub(amount, before[n]) if n in before else amount for n, amount in after.items()}
    return {n: amount for n, amount in added.items() if quantity.nano(amount) > 0}


def _check_limited(
    review: Review,
    meter: Meter,
    accounts: Iterable[Account],
    usage: Amounts,
    covered: set[str],
    limited: Sequence[LimitedResource],
) -> None:
    """Raises Refused when something is used that only quotas allow, and none does."""
    name = (review.resource.group, review.resource.plural)
    wanted = {
        used
        for one in limited
        if (one.apiGroup, one.resource) == name
        for used, amount in usage.items()
        if quantity.nano(amount) > 0 and any(part in used for part in one.matchContains or ())
    }
    if uncovered := sorted(wanted - covered):
        raise Refused(f"insufficient quota to consume: {','.join(uncovered)}")
    scopes = [s for one in limited for s in _scopes(one) if meter.in_scope(review.object, s)]
    allowed = {
        s[0] for account in accounts for s in quota_usage.scopes_of(account.quota) if meter.in_scope(review.object, s)
    }
    if beyond := [
        f"{{{kind} {operator} [{' '.join(values)}]}}" for kind, operator, values in scopes if kind not in allowed
    ]:
        raise Refused(f"insufficient quota to match these scopes: [{' '.join(beyond)}]", failure=True)


def _scopes(limited: LimitedResource) -> list[Scope]:
    return [(s.scopeName, s.operator, tuple(s.values or ())) for s in limited.matchScopes or ()]


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


def counted(given: Amounts) -> dict[Name, list[str]]:
    """The names of a usage by the resource whose objects they count."""
    found: dict[Name, list[str]] = {}
    for name in given:
        resource = quota_usage.counted_by(name)
        if resource is not None:
            found.setdefault(resource, []).append(name)
    return found


def at_least(
    quota: ResourceQuota, given: Amounts, ledger: QuotaLedger, reader: Reader, now: datetime, monotonic: float
) -> Amounts:
    """The usage that somebody has counted, raised to what is stored and promised: whoever counts may be behind.

    `quota` is the version that is to be replaced.
    """
    namespace, version = quota.metadata.namespace, quota.metadata.resourceVersion
    promises = (p for p in ledger.promises(namespace, quota.metadata.name, monotonic) if p.base != version)
    # What has been stored meanwhile is counted there.
    open_ = [p.amounts for p in promises if not (p.name and reader.uid(p.group, p.plural, namespace, p.name) == p.uid)]
    raised = dict(given)
    for resource, names in counted(given).items():
        tally = ledger.tallies.stored(quota, resource, reader, now)
        for name in names:
            stored = _numbered(quota, resource, reader) if tally is None else tally.totals.get(name, 0)
            truth = stored + sum(quantity.nano(amounts[name]) for amounts in open_ if name in amounts)
            if truth > quantity.nano(given[name]):
                alike = tally.samples.get(name, given[name]) if tally is not None else given[name]
                raised[name] = quantity.add(alike, f"{truth - quantity.nano(alike)}n")
    return raised


def _numbered(quota: ResourceQuota, resource: Name, reader: Reader) -> int:
    """The number of objects, in nanos; no scope chooses among these."""
    if quota_usage.meter(*resource) is None or quota_usage.scopes_of(quota):
        return 0
    return (reader.count(*resource, quota.metadata.namespace) or 0) * quantity.NANO
