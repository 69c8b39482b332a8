"""Mirrors Endpoints that somebody made by hand for a Service without a selector into EndpointSlices, which proxies read."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterator

from steersman.api.errors import StatusError
from steersman.controller.declaration import Context, Controller, mapped, own
from steersman.controller.freshness import SOON, Writes
from steersman.controller.ownership import controller_reference
from steersman.controller.pod_control import namespace_ends
from steersman.controllers import slice_plan
from steersman.controllers.service_pods import Port, family_of
from steersman.controllers.slice_plan import Group, Parent
from steersman.kinds.discovery.service_slices import MANAGED_BY, SERVICE_NAME, service_keys
from steersman.kinds.types.core_v1 import EndpointAddress, Endpoints, EndpointSubset, Service
from steersman.kinds.types.discovery_v1 import Endpoint, EndpointConditions, EndpointSlice

MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
# Endpoints that carry this are no endpoints: they were the lock of a leader election.
LEADER = "control-plane.alpha.kubernetes.io/leader"
_NOT_COPIED = frozenset(
    {"endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration"}
)
# Addresses of one subset that are mirrored.
MAX_ADDRESSES = 1000


def is_mirrored(endpoints: Endpoints | None, service: Service | None) -> bool:
    """Whether the Endpoints are to have slices of this controller's making."""
    if endpoints is None or service is None or endpoints.metadata.deletionTimestamp:
        return False
    if (endpoints.metadata.labels or {}).get(SKIP, "").lower() == "true":
        return False
    return LEADER not in (endpoints.metadata.annotations or {}) and service.spec.selector is None


def wanted(endpoints: Endpoints) -> dict[Group, list[Endpoint]]:
    """The endpoints that there should be, by what fits in the same slices."""
    found: dict[Group, dict[str, Endpoint]] = defaultdict(dict)
    for subset in endpoints.subsets or ():
        ports = tuple(Port(p.name or "", p.port, p.protocol or "TCP", p.appProtocol) for p in subset.ports or ())
        for address, ready in _addresses(subset):
            if _is_address(address.ip):
                found[Group(family_of(address.ip), ports)].setdefault(address.ip, _endpoint(address, ready))
    return {group: list(by_address.values()) for group, by_address in found.items()}


def _addresses(subset: EndpointSubset) -> Iterator[tuple[EndpointAddress, bool]]:
    ready, unready = subset.addresses or [], subset.notReadyAddresses or []
    every = [(address, True) for address in ready] + [(address, False) for address in unready]
    yield from every[:MAX_ADDRESSES]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _endpoint(address: EndpointAddress, ready: bool) -> Endpoint:
    return Endpoint(
        addresses=[address.ip],
        conditions=EndpointConditions(ready=ready),
        hostname=address.hostname,
        nodeName=address.nodeName,
        targetRef=address.targetRef,
    )


def parent_of(endpoints: Endpoints) -> Parent:
    meta = endpoints.metadata
    labels = {**(meta.labels or {}), SERVICE_NAME: meta.name, MANAGED_BY: MANAGER}
    annotations = {k: v for k, v in (meta.annotations or {}).items() if k not in _NOT_COPIED}
    return Parent(meta.name, meta.namespace, labels, controller_reference(endpoints), annotations)


class EndpointSliceMirroring:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._endpoints = context.informers.informer(Endpoints)
        self._services = context.informers.informer(Service)
        self._slices = context.informers.informer(EndpointSlice)
        self._slices.add_index("service", service_keys)
        self._writes = Writes()

    async def reconcile(self, key: str) -> float | None:
        if not self._writes.seen(key):
            return SOON
        endpoints, service = self._endpoints.get(key), self._services.get(key)
        mine = [s for s in self._slices.by("service", key) if (s.metadata.labels or {}).get(MANAGED_BY) == MANAGER]
        if is_mirrored(endpoints, service) and endpoints is not None:
            todo = slice_plan.plan(parent_of(endpoints), wanted(endpoints), mine)
        else:
            self._writes.forget(key)
            todo = slice_plan.Plan(delete=mine)
        try:
            await slice_plan.carry_out(self._client, self._writes, self._slices, key, todo)
        except StatusError as e:
            if namespace_ends(e):
                return None
            if endpoints is not None:
                text = f"Error updating Endpoint Slices for Endpoints {key}: {e}"
                self._recorder.event(endpoints, "Warning", "FailedToUpdateEndpointSlices", text)
            raise
        return None


CONTROLLER = Controller(
    name="endpointslicemirroring",
    reconciler=EndpointSliceMirroring,
    watches=(
        own(Endpoints),
        own(Service, lambda old, new: old.spec.selector != new.spec.selector),
        mapped(EndpointSlice, lambda _, found: service_keys(found)),
    ),
    workers=5,
    component="endpoint-slice-mirroring-controller",
    account="endpointslicemirroring-controller",
)
