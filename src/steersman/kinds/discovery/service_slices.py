"""Which Service an EndpointSlice is of, and which of its endpoints take requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from steersman.kinds.types.discovery_v1 import Endpoint, EndpointSlice

SERVICE_NAME: Final = "kubernetes.io/service-name"
MANAGED_BY: Final = "endpointslice.kubernetes.io/managed-by"
HEADLESS: Final = "service.kubernetes.io/headless"
"""Label of endpoints whose Service has no address of its own."""


def service_of(piece: EndpointSlice) -> str:
    """The name of its Service, in its own namespace; empty for a slice of none."""
    return (piece.metadata.labels or {}).get(SERVICE_NAME, "")


def service_keys(piece: EndpointSlice) -> tuple[str, ...]:
    """Index: the key of its Service."""
    name = service_of(piece)
    return (f"{piece.metadata.namespace}/{name}",) if name else ()


def is_ready(endpoint: Endpoint) -> bool:
    """What is not known counts as ready."""
    return endpoint.conditions is None or endpoint.conditions.ready is not False


def ready_ports(piece: EndpointSlice, port_name: str) -> Iterator[tuple[Endpoint, int]]:
    """Its ready endpoints, each with the numbers of the named port."""
    numbers = [p.port for p in piece.ports or () if (p.name or "") == port_name and p.port]
    for endpoint in piece.endpoints or ():
        if is_ready(endpoint):
            for number in numbers:
                yield endpoint, number
