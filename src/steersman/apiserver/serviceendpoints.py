"""Where a Service is reached from the API server itself: at its endpoints, because its address leads nowhere from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.kinds.discovery.service_slices import ready_ports, service_of
from steersman.kinds.types.discovery_v1 import EndpointSlice

if TYPE_CHECKING:
    from steersman.apiserver.registries import Registries


def slices(registries: Registries, namespace: str, service: str) -> list[EndpointSlice]:
    """The EndpointSlices of a service."""
    return [piece for piece in registries.list(EndpointSlice, namespace) if service_of(piece) == service]


def addresses(registries: Registries, namespace: str, service: str, port_name: str) -> list[tuple[str, int]]:
    """The ready addresses of a service, with the number of the named port."""
    return [
        (address, number)
        for piece in slices(registries, namespace, service)
        for endpoint, number in ready_ports(piece, port_name)
        for address in endpoint.addresses
    ]
