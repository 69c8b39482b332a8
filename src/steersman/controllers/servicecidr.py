"""ServiceCIDRs: made Ready, and kept from going while Services have addresses that no other range would contain."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from steersman.api import codec
from steersman.api.clock import Clock
from steersman.api.meta import format_time
from steersman.client.rest import Client
from steersman.controller.declaration import Context, Controller, mapped
from steersman.controllers.ipaddress import MANAGED_BY, MANAGER
from steersman.kinds.types.meta_v1 import Condition
from steersman.kinds.types.networking_v1 import IPAddress, ServiceCIDR

FINALIZER = "networking.k8s.io/service-cidr-finalizer"
READY, TERMINATING = "Ready", "Terminating"
_IS_READY = "Kubernetes Service CIDR is ready"
_IN_USE = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"
# So long after its deletion whoever gives addresses is sure to know of it, in seconds.
GRACE = 10.0


def _networks(cidr: ServiceCIDR) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text) for text in cidr.spec.cidrs or ()]


def is_needed(cidr: ServiceCIDR, others: Iterable[ServiceCIDR], addresses: Iterable[str]) -> bool:
    """Whether one of the addresses is in this range and in none of the others."""
    mine, theirs = _networks(cidr), [network for other in others for network in _networks(other)]
    for text in addresses:
        address = ipaddress.ip_address(text)
        if any(address in n for n in mine) and not any(address in n for n in theirs):
            return True
    return False


def conditions(cidr: ServiceCIDR, status: str, reason: str, message: str, now: datetime) -> list[Condition] | None:
    """The conditions with such a Ready among them; None when they are so already."""
    before = list(cidr.status.conditions or ())
    found = next((c for c in before if c.type == READY), None)
    if found is not None and (found.status, found.reason, found.message) == (status, reason, message):
        return None
    new = Condition(type=READY, status=status, reason=reason, message=message, lastTransitionTime=format_time(now))
    if found is not None and found.status == status:
        new.lastTransitionTime = found.lastTransitionTime
    return [*(c for c in before if c.type != READY), new]


class ServiceCIDRs:
    def __init__(self, context: Context) -> None:
        self._client: Client = context.client
        self._clock: Clock = context.clock
        self._cidrs = context.informers.informer(ServiceCIDR)
        self._addresses = context.informers.informer(IPAddress)

    async def reconcile(self, key: str) -> float | None:
        cidr = self._cidrs.get(key)
        if cidr is None:
            return None
        if not cidr.metadata.deletionTimestamp:
            if FINALIZER not in (cidr.metadata.finalizers or ()):
                await self._finalizers(cidr, [*(cidr.metadata.finalizers or ()), FINALIZER])
                return None
            await self._tell(cidr, "True", "", _IS_READY)
            return None
        if is_needed(cidr, self._others(key), self._taken()):
            await self._tell(cidr, "False", TERMINATING, _IN_USE)
            return None
        left = GRACE - (self._clock.now() - datetime.fromisoformat(cidr.metadata.deletionTimestamp)).total_seconds()
        if left > 0:
            return left
        rest = [f for f in cidr.metadata.finalizers or () if f != FINALIZER]
        if len(rest) < len(cidr.metadata.finalizers or ()):
            await self._finalizers(cidr, rest)
        return None

    def _others(self, key: str) -> Sequence[ServiceCIDR]:
        return [c for c in self._cidrs.items() if c.metadata.name != key and not c.metadata.deletionTimestamp]

    def _taken(self) -> list[str]:
        """The addresses of Services."""
        return [
            a.metadata.name for a in self._addresses.items() if (a.metadata.labels or {}).get(MANAGED_BY) == MANAGER
        ]

    async def _finalizers(self, cidr: ServiceCIDR, finalizers: list[str]) -> None:
        meta = msgspec.structs.replace(cidr.metadata, finalizers=finalizers or None)
        await self._client.update(codec.clone(msgspec.structs.replace(cidr, metadata=meta)))

    async def _tell(self, cidr: ServiceCIDR, status: str, reason: str, message: str) -> None:
        changed = conditions(cidr, status, reason, message, self._clock.now())
        if changed is not None:
            new = codec.clone(cidr)
            new.status.conditions = changed
            await self._client.update_status(new)


def _every(context: Context, cidr: ServiceCIDR) -> Iterable[str]:
    """Any range decides about any that is to go; there are few."""
    return {cidr.metadata.name, *(c.metadata.name for c in context.informers.informer(ServiceCIDR).items())}


def _ending(context: Context, _: IPAddress) -> Iterable[str]:
    return [
        cidr.metadata.name
        for cidr in context.informers.informer(ServiceCIDR).items()
        if cidr.metadata.deletionTimestamp
    ]


CONTROLLER = Controller(
    name="service-cidr",
    reconciler=ServiceCIDRs,
    watches=(mapped(ServiceCIDR, _every), mapped(IPAddress, _ending)),
    component="service-cidr-controller",
    account="service-cidrs-controller",
)
