"""Which endpoints a Service's traffic goes to: readiness, termination, topology hints and locality."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

from steersman.kinds.discovery.service_slices import is_ready
from steersman.kinds.types.core_v1 import ServicePort
from steersman.kinds.types.discovery_v1 import Endpoint, EndpointConditions, EndpointSlice
from steersman.proxy.settings import ProxySettings


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One address and port that may take connections."""

    address: str
    port: int
    local: bool = False
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    for_nodes: frozenset[str] = frozenset()
    for_zones: frozenset[str] = frozenset()


def targets(port: ServicePort, slices: Iterable[EndpointSlice], settings: ProxySettings) -> list[Target]:
    """All endpoints of a service port, each address and port once (a ready one wins), in address order."""
    found: dict[tuple[str, int], Target] = {}
    for piece in slices:
        if piece.addressType != "IPv4":
            continue
        for number in _ports(port, piece):
            for endpoint in piece.endpoints or ():
                # Slices are written by anyone: one that nft would refuse must not cost all the others.
                if not endpoint.addresses or not is_ipv4(endpoint.addresses[0]):
                    continue
                target = _target(endpoint, number, settings)
                known = found.get((target.address, target.port))
                if known is None or (target.ready and not known.ready):
                    found[target.address, target.port] = target
    return [found[key] for key in sorted(found)]


def _ports(port: ServicePort, piece: EndpointSlice) -> list[int]:
    protocol = port.protocol or "TCP"
    return [
        candidate.port
        for candidate in piece.ports or ()
        if candidate.port
        and 0 < candidate.port < 65536
        and (candidate.name or "") == port.name
        and (candidate.protocol or "TCP") == protocol
    ]


def is_ipv4(address: str) -> bool:
    try:
        IPv4Address(address)
    except AddressValueError:
        return False
    return True


def _target(endpoint: Endpoint, port: int, settings: ProxySettings) -> Target:
    conditions = endpoint.conditions or EndpointConditions()
    ready = is_ready(endpoint)
    hints = endpoint.hints
    return Target(
        address=endpoint.addresses[0],
        port=port,
        local=not settings.node_name or endpoint.nodeName == settings.node_name,
        ready=ready,
        serving=ready if conditions.serving is None else conditions.serving,
        terminating=bool(conditions.terminating),
        for_nodes=frozenset(hint.name for hint in (hints and hints.forNodes) or ()),
        for_zones=frozenset(hint.name for hint in (hints and hints.forZones) or ()),
    )


def cluster_targets(every: list[Target], settings: ProxySettings) -> list[Target]:
    """Where traffic goes that may go anywhere: ready endpoints, those hinted for this place if all carry hints.

    With none ready, those that still serve while they terminate.
    """
    ready = [target for target in every if target.ready]
    if ready:
        return _hinted(ready, settings)
    return _draining(every)


def local_targets(every: list[Target]) -> list[Target]:
    """Where traffic goes that must stay on this node; the same fall back as for the cluster."""
    here = [target for target in every if target.local]
    return [target for target in here if target.ready] or _draining(here)


def _draining(every: list[Target]) -> list[Target]:
    return [target for target in every if target.serving and target.terminating]


def _hinted(ready: list[Target], settings: ProxySettings) -> list[Target]:
    if settings.node_name and all(target.for_nodes for target in ready):
        near = [target for target in ready if settings.node_name in target.for_nodes]
        if near:
            return near
    if settings.zone and all(target.for_zones for target in ready):
        near = [target for target in ready if settings.zone in target.for_zones]
        if near:
            return near
    return ready
