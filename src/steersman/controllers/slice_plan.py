"""EndpointSlices of one parent, whoever that is: which to create, change and delete so that they hold the wanted endpoints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from steersman.api import codec
from steersman.client.informer import Informer
from steersman.client.rest import Client
from steersman.controller.freshness import Writes
from steersman.controllers.service_pods import Port
from steersman.kinds.types.discovery_v1 import Endpoint, EndpointPort, EndpointSlice
from steersman.kinds.types.meta_v1 import ObjectMeta, OwnerReference

MAX_ENDPOINTS = 100


@dataclass(frozen=True, slots=True)
class Parent:
    """Whom slices belong to, and what they say because of that."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    reference: OwnerReference
    annotations: Mapping[str, str] = field(default_factory=dict)


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


def plan(parent: Parent, groups: dict[Group, list[Endpoint]], slices: Iterable[EndpointSlice]) -> Plan:
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
        _plan_group(parent, group, endpoints, present[group], result)
    return result


def _plan_group(
    parent: Parent, group: Group, endpoints: list[Endpoint], slices: list[EndpointSlice], result: Plan
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
        changed = _slice(parent, stay, found)
        if changed is not None:
            result.update.append(changed)
    result.create += [_new_slice(parent, group, chunk) for chunk in chunks]


def _identity(endpoint: Endpoint) -> tuple[str, ...]:
    ref = endpoint.targetRef
    return (ref.uid if ref is not None else "", *endpoint.addresses)


def _group_of(found: EndpointSlice) -> Group:
    ports = tuple(Port(p.name or "", p.port or 0, p.protocol or "TCP", p.appProtocol) for p in found.ports or ())
    return Group(found.addressType, ports)


def _new_slice(parent: Parent, group: Group, endpoints: list[Endpoint]) -> EndpointSlice:
    return EndpointSlice(
        metadata=ObjectMeta(
            generateName=f"{parent.name}-",
            namespace=parent.namespace,
            labels=dict(parent.labels),
            annotations=dict(parent.annotations) or None,
            ownerReferences=[parent.reference],
        ),
        addressType=group.family,
        endpoints=endpoints,
        ports=[
            EndpointPort(name=p.name, port=p.port, protocol=p.protocol, appProtocol=p.app_protocol) for p in group.ports
        ],
    )


def _slice(parent: Parent, endpoints: list[Endpoint], found: EndpointSlice) -> EndpointSlice | None:
    """The slice with these endpoints and what the parent has it say; None when it is so already."""
    meta = msgspec.structs.replace(
        found.metadata,
        labels=dict(parent.labels),
        annotations=dict(parent.annotations) or None,
        ownerReferences=[parent.reference],
    )
    if (found.endpoints or []) == endpoints and meta == found.metadata:
        return None
    return msgspec.structs.replace(found, metadata=meta, endpoints=endpoints)


async def carry_out(client: Client, writes: Writes, informer: Informer[EndpointSlice], key: str, todo: Plan) -> None:
    """Write what the plan says, and let `writes` know of it."""
    for new in todo.create:
        stored = await client.create(new)
        writes.wrote(key, informer, stored.metadata.resourceVersion)
    for changed in todo.update:
        stored = await client.update(codec.clone(changed))
        writes.wrote(key, informer, stored.metadata.resourceVersion)
    for found in todo.delete:
        if (version := await client.delete_seen(found)) is not None:
            writes.wrote(key, informer, version)
