"""The DNS records of one Service, from its object and its EndpointSlices: plain functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from steersman.kinds.discovery.service_slices import is_ready
from steersman.kinds.types.core_v1 import Service
from steersman.kinds.types.discovery_v1 import EndpointSlice


@dataclass(frozen=True)
class ServiceRecords:
    """``addresses`` answer to the Service's name, or ``alias`` stands for it. ``hosts``: an endpoint's hostname →
    its addresses. ``ports``: (port name, protocol) → (hostname, number) pairs; an empty hostname is the
    Service itself. ``reverse``: address → hostname. Names are lower case and relative to the Service's.
    """

    addresses: tuple[str, ...] = ()
    alias: str = ""
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ports: Mapping[tuple[str, str], tuple[tuple[str, int], ...]] = field(default_factory=dict)
    reverse: Mapping[str, str] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """A headless Service without a ready endpoint has no name at all: the specification wants NXDOMAIN."""
        return bool(self.addresses or self.alias)


def service_records(service: Service, slices: Iterable[EndpointSlice]) -> ServiceRecords:
    """All records of the Service."""
    spec = service.spec
    if spec.type == "ExternalName":
        return ServiceRecords(alias=_alias(spec.externalName))
    if spec.clusterIP == "None":
        return _headless(slices, unready_too=bool(spec.publishNotReadyAddresses))
    addresses = tuple(address for address in spec.clusterIPs or [spec.clusterIP] if address)
    ports = {
        (port.name.lower(), (port.protocol or "TCP").lower()): (("", port.port),)
        for port in spec.ports or ()
        if port.name
    }
    if not addresses:
        return ServiceRecords()
    return ServiceRecords(addresses, ports=ports, reverse=dict.fromkeys(addresses, ""))


def _alias(name: str) -> str:
    """An address is no name that an alias could lead to."""
    trimmed = name.rstrip(".").lower()
    return "" if _is_address(trimmed) else trimmed


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _headless(slices: Iterable[EndpointSlice], *, unready_too: bool) -> ServiceRecords:
    addresses: dict[str, None] = {}
    hosts: dict[str, dict[str, None]] = {}
    ports: dict[tuple[str, str], dict[tuple[str, int], None]] = {}
    reverse: dict[str, str] = {}
    for piece in slices:
        for endpoint in piece.endpoints or ():
            if not (is_ready(endpoint) or unready_too):
                continue
            for address in filter(_is_address, endpoint.addresses):
                host = endpoint.hostname.lower() or address.replace(".", "-").replace(":", "-")
                addresses[address] = None
                hosts.setdefault(host, {})[address] = None
                reverse.setdefault(address, host)
                for port in piece.ports or ():
                    if port.name and port.port:
                        key = (port.name.lower(), (port.protocol or "TCP").lower())
                        ports.setdefault(key, {})[host, port.port] = None
    return ServiceRecords(
        tuple(sorted(addresses)),
        hosts={host: tuple(sorted(found)) for host, found in hosts.items()},
        ports={key: tuple(sorted(found)) for key, found in ports.items()},
        reverse=reverse,
    )
