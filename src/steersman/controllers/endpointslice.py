"""Keeps the EndpointSlices of every Service with a selector: the addresses of its pods, a hundred per slice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from steersman.api import codec
from steersman.api.errors import NotFound, StatusError
from steersman.client.informer import by_namespace
from steersman.controller.declaration import Context, Controller, mapped, own, read
from steersman.controller.freshness import SOON, Writes
from steersman.controller.ownership import controller_reference
from steersman.controller.pod_control import namespace_ends
from steersman.controller.pods import is_ready
from steersman.controllers import service_pods
from steersman.controllers.service_pods import HEADLESS, Port
from steersman.kinds.types.core_v1 import Node, Pod, Service
from steersman.kinds.types.discovery_v1 import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from steersman.kinds.types.meta_v1 import ObjectMeta

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
ZONE = "topology.kubernetes.io/zone"
MAX_ENDPOINTS = 100


@dataclass(frozen=True, slots=True)
class Group:
    """Endpoints that fit in the same slices: of one family and with the same ports."""

    family: str
    ports: tuple[Port, ...]


@dataclass(slots=True)
class Plan:
    """Slices to create, to replace and to delete."""

    create: list[EndpointSlice] = field(default_factory=list)
    update: list[EndpointSlice] = field(default_factory=list)
    delete: list[EndpointSlice] = field(default_factory=list)


def wanted(service: Service, pods: Sequence[Pod], zones: dict[str, str]) -> dict[Group, list[Endpoint]]:
    """The endpoints that there should be. Without any there is still one empty group per family."""
    found: dict[Group, list[Endpoint]] = defaultdict(list)
    families = service_pods.families_of(service, pods)
    for pod in pods:
        if not service_pods.counts(pod, terminating=True):
            continue
        ports = service_pods.ports_of(service, pod)
        if not ports and service.spec.ports:
            continue
        for family in families:
            address = service_pods.address_of(pod, family)
            if address:
                found[Group(family, ports)].append(_endpoint(service, pod, address, zones))
    for family in families:
        if not any(group.family == family for group in found):
            found[Group(family, ())] = []
    return dict(found)


def _endpoint(service: Service, pod: Pod, address: str, zones: dict[str, str]) -> Endpoint:
    serving, terminating = is_ready(pod), bool(pod.metadata.deletionTimestamp)
    return Endpoint(
        addresses=[address],
        conditions=EndpointConditions(
            ready=bool(service.spec.publishNotReadyAddresses) or (serving and not terminating),
            serving=serving,
            terminating=terminating,
        ),
        hostname=service_pods.hostname_of(pod, service),
        nodeName=pod.spec.nodeName,
        targetRef=service_pods.target(pod),
        zone=zones.get(pod.spec.nodeName, ""),
    )


def plan(service: Service, groups: dict[Group, list[Endpoint]], slices: Iterable[EndpointSlice]) -> Plan:
    """The fewest writes from the present slices to the wanted endpoints."""
    result = Plan()
    present: dict[Group, list[EndpointSlice]] = defaultdict(list)
    for found in sorted(slices, key=lambda s: s.metadata.name):
        group = _group_of(found)
        if group in groups and not found.metadata.deletionTimestamp:
            present[group].append(found)
        else:
            result.delete.append(found)
    for group, endpoints in groups.items():
        _plan_group(service, group, endpoints, present[group], result)
    return result


def _plan_group(
    service: Service, group: Group, endpoints: list[Endpoint], slices: list[EndpointSlice], result: Plan
) -> None:
    """Keep every endpoint in the slice where it is, put new ones where there is room, and drop slices that are left empty."""
    missing = {_identity(e): e for e in endpoints}
    kept: list[tuple[EndpointSlice, list[Endpoint]]] = []
    for found in slices:
        stay = [missing.pop(_identity(e)) for e in found.endpoints or () if _identity(e) in missing]
        kept.append((found, stay))
    new = list(missing.values())
    # Slices that change anyway take new endpoints first, the fullest before the others.
    for _, stay in sorted(kept, key=lambda pair: (pair[1] == (pair[0].endpoints or []), -len(pair[1]))):
        room = MAX_ENDPOINTS - len(stay)
        if new and room > 0:
            stay += new[:room]
            del new[:room]
    chunks = [new[i : i + MAX_ENDPOINTS] for i in range(0, len(new), MAX_ENDPOINTS)]
    if not kept and not chunks:
        chunks = [[]]
    empty_allowed = not endpoints
    for found, stay in kept:
        if not stay and not empty_allowed:
            result.delete.append(found)
            continue
        empty_allowed = empty_allowed and bool(stay)
        changed = _slice(service, group, stay, found)
        if changed is not None:
            result.update.append(changed)
    result.create += [_new_slice(service, group, chunk) for chunk in chunks]


def _identity(endpoint: Endpoint) -> tuple[str, ...]:
    ref = endpoint.targetRef
    return (ref.uid if ref is not None else "", *endpoint.addresses)


def _group_of(found: EndpointSlice) -> Group:
    ports = tuple(Port(p.name or "", p.port or 0, p.protocol or "TCP", p.appProtocol) for p in found.ports or ())
    return Group(found.addressType, ports)


def _labels(service: Service) -> dict[str, str]:
    labels = {k: v for k, v in (service.metadata.labels or {}).items() if k != HEADLESS}
    if service_pods.is_headless(service):
        labels[HEADLESS] = ""
    return {**labels, SERVICE_NAME: service.metadata.name, MANAGED_BY: MANAGER}


def _new_slice(service: Service, group: Group, endpoints: list[Endpoint]) -> EndpointSlice:
    return EndpointSlice(
        metadata=ObjectMeta(
            generateName=f"{service.metadata.name}-",
            namespace=service.metadata.namespace,
            labels=_labels(service),
            ownerReferences=[controller_reference(service)],
        ),
        addressType=group.family,
        endpoints=endpoints,
        ports=[
            EndpointPort(name=p.name, port=p.port, protocol=p.protocol, appProtocol=p.app_protocol) for p in group.ports
        ],
    )


def _slice(service: Service, group: Group, endpoints: list[Endpoint], found: EndpointSlice) -> EndpointSlice | None:
    """The slice with these endpoints and the Service's labels; None when it is so already."""
    labels, owners = _labels(service), [controller_reference(service)]
    meta = found.metadata
    if (found.endpoints or []) == endpoints and meta.labels == labels and meta.ownerReferences == owners:
        return None
    new_meta = msgspec.structs.replace(meta, labels=labels, ownerReferences=owners)
    return msgspec.structs.replace(found, metadata=new_meta, endpoints=endpoints)


class EndpointSlices:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._services = context.informers.informer(Service)
        self._pods = context.informers.informer(Pod)
        self._pods.add_index("namespace", by_namespace)
        self._nodes = context.informers.informer(Node)
        self._slices = context.informers.informer(EndpointSlice)
        self._slices.add_index("service", _service_keys)
        self._writes = Writes()

    async def reconcile(self, key: str) -> float | None:
        service = self._services.get(key)
        if service is None or not service_pods.selects_pods(service) or service.metadata.deletionTimestamp:
            # Slices of a Service that is gone are garbage, which the garbage collector collects.
            self._writes.forget(key)
            return None
        if not self._writes.seen(key):
            return SOON
        pods = service_pods.pods_of(service, self._pods)
        mine = [s for s in self._slices.by("service", key) if (s.metadata.labels or {}).get(MANAGED_BY) == MANAGER]
        try:
            await self._carry_out(key, plan(service, wanted(service, pods, self._zones(pods)), mine))
        except StatusError as e:
            if namespace_ends(e):
                return None
            text = f"Error updating Endpoint Slices for Service {key}: {e}"
            self._recorder.event(service, "Warning", "FailedToUpdateEndpointSlices", text)
            raise
        return None

    def _zones(self, pods: Iterable[Pod]) -> dict[str, str]:
        names = {pod.spec.nodeName for pod in pods}
        nodes = [node for name in names if (node := self._nodes.get(name)) is not None]
        return {node.metadata.name: (node.metadata.labels or {}).get(ZONE, "") for node in nodes}

    async def _carry_out(self, key: str, todo: Plan) -> None:
        for new in todo.create:
            stored = await self._client.create(new)
            self._writes.wrote(key, self._slices, stored.metadata.resourceVersion)
        for changed in todo.update:
            stored = await self._client.update(codec.clone(changed))
            self._writes.wrote(key, self._slices, stored.metadata.resourceVersion)
        for found in todo.delete:
            meta = found.metadata
            try:
                version = await self._client.delete(EndpointSlice, meta.name, meta.namespace, uid=meta.uid)
            except NotFound:
                continue
            self._writes.wrote(key, self._slices, version)


def _service_keys(found: EndpointSlice) -> Iterable[str]:
    """Index: the key of the slice's Service."""
    name = (found.metadata.labels or {}).get(SERVICE_NAME)
    return (f"{found.metadata.namespace}/{name}",) if name else ()


CONTROLLER = Controller(
    name="endpointslice",
    reconciler=EndpointSlices,
    watches=(
        own(Service),
        mapped(Pod, service_pods.services_of, service_pods.matters),
        mapped(EndpointSlice, lambda _, found: _service_keys(found)),
        read(Node),
    ),
    workers=5,
    component="endpoint-slice-controller",
)
