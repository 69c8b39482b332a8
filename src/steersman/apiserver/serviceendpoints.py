"""Where a Service is reached from the API server itself: at its endpoints, because its address leads nowhere from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.kinds.discovery.service_slices import ready_ports, service_of
from steersman.kinds.types.core_v1 import Service
from steersman.kinds.types.discovery_v1 import EndpointSlice

if TYPE_CHECKING:
    from steersman.apiserver.registries import Registries


class Unresolved(Exception):
    """A service that leads nowhere; the text says why."""


def resolved(registries: Registries, namespace: str, name: str, port: int) -> list[tuple[str, int]]:
    """Where this port of a service is to be had: hosts or addresses, at least one, each with its number. Raises Unresolved."""
    service: Service | None = registries.get(Service, namespace, name)
    if service is None:
        raise Unresolved(f'service "{name}" not found')
    if service.spec.type == "ExternalName":
        return [(service.spec.externalName, port)]
    wanted = next((p for p in service.spec.ports or () if p.port == port), None)
    if wanted is None:
        raise Unresolved(f'no service port {port} found for service "{name}"')
    found = addresses(registries, namespace, name, wanted.name)
    if not found:
        raise Unresolved(f'no endpoints available for service "{name}"')
    return found


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
