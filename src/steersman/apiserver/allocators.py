"""Service addresses and node ports: each is given once.

What is taken is learned from the store (all Services at the start, then every commit), so there is no second record that
could disagree; what has been given and is not committed yet is held in reservations. Beside the server's own range there are
those of ServiceCIDRs, while they are Ready and not about to go.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from steersman.api import field as fields
from steersman.api import names
from steersman.api.errors import InternalError, Invalid, StatusError
from steersman.api.field import FieldError, Path
from steersman.kinds.core import service_families
from steersman.kinds.core.service_rules import needs_health_check
from steersman.kinds.types.core_v1 import Service, ServiceSpec
from steersman.store.protocol import Entry, Event
from steersman.store.sealing import Sealed

_HEADLESS = "None"
_WITH_NODE_PORTS = ("LoadBalancer", "NodePort")
_PORTS = Path("spec", "ports")
_FULL = "range is full"
_RANDOM = random.SystemRandom()
_TRIES = 16


class _Port(msgspec.Struct):
    nodePort: int = 0


class _Spec(msgspec.Struct):
    type: str = ""
    clusterIP: str = ""
    clusterIPs: list[str] | None = None
    ports: list[_Port] | None = None
    healthCheckNodePort: int = 0


class _Stored(msgspec.Struct):
    spec: _Spec = msgspec.field(default_factory=_Spec)


_decode = msgspec.json.Decoder(_Stored).decode


class _Meta(msgspec.Struct):
    deletionTimestamp: str | None = None


class _Cidrs(msgspec.Struct):
    cidrs: list[str] | None = None


class _Condition(msgspec.Struct):
    type: str = ""
    status: str = ""


class _Status(msgspec.Struct):
    conditions: list[_Condition] | None = None


class _StoredRange(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    spec: _Cidrs = msgspec.field(default_factory=_Cidrs)
    status: _Status = msgspec.field(default_factory=_Status)


_decode_range = msgspec.json.Decoder(_StoredRange).decode

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(slots=True)
class Reservation:
    """What one write has been given and not committed yet. `release` must follow the write, whatever came of it."""

    values: set[str | int] = field(default_factory=set)
    _pending: set[str | int] = field(default_factory=set)

    def release(self) -> None:
        self._pending -= self.values
        self.values.clear()


class Allocator:
    """Gives addresses of `cidr` and ports of `ports` to Services. All methods are synchronous, hence atomic."""

    def __init__(self, cidr: str, ports: range) -> None:
        self._network: Network = ipaddress.ip_network(cidr)
        # Those of ServiceCIDRs, by the key of their object.
        self._more: dict[str, list[Network]] = {}
        self._ports = ports
        self._taken: dict[str | int, str] = {}
        self._by_key: dict[str, frozenset[str | int]] = {}
        self._pending: set[str | int] = set()
        # Services that cannot be decrypted: what they have is not known.
        self._unknown: set[str] = set()

    def load(self, entries: Sequence[Entry]) -> None:
        """Learn the Services that exist; forgets everything else."""
        self._taken.clear()
        self._by_key.clear()
        self._unknown.clear()
        for entry in entries:
            self._record(entry.key, entry.value)

    def observe(self, events: Sequence[Event]) -> None:
        """Follow the store: called with each commit under the Services' prefix."""
        for event in events:
            self._record(event.key, event.value)

    def _record(self, key: str, value: bytes) -> None:
        for old in self._by_key.pop(key, ()):
            if self._taken.get(old) == key:
                del self._taken[old]
        self._unknown.discard(key)
        if not value:
            return
        if isinstance(value, Sealed):
            self._unknown.add(key)
            return
        spec = _decode(value).spec
        if spec.type == service_families.EXTERNAL_NAME:
            return
        values: set[str | int] = {p.nodePort for p in spec.ports or () if p.nodePort}
        values.update(_usual(ip) for ip in (spec.clusterIP, *(spec.clusterIPs or ())) if ip and ip != _HEADLESS)
        if spec.healthCheckNodePort:
            values.add(spec.healthCheckNodePort)
        for v in values:
            # A value two Services have stays with the first: it is freed only when both are gone or changed.
            self._taken.setdefault(v, key)
        self._by_key[key] = frozenset(values)

    def load_ranges(self, entries: Sequence[Entry]) -> None:
        """Learn the ServiceCIDRs that exist."""
        self._more.clear()
        for entry in entries:
            self._record_range(entry.key, entry.value)

    def observe_ranges(self, events: Sequence[Event]) -> None:
        """Follow the store: called with each commit under the ServiceCIDRs' prefix."""
        for event in events:
            self._record_range(event.key, event.value)

    def _record_range(self, key: str, value: bytes) -> None:
        self._more.pop(key, None)
        if not value or isinstance(value, Sealed):
            return
        found = _decode_range(value)
        ready = any(c.type == "Ready" and c.status == "True" for c in found.status.conditions or ())
        if ready and not found.metadata.deletionTimestamp:
            networks = [ipaddress.ip_network(cidr) for cidr in found.spec.cidrs or ()]
            self._more[key] = [n for n in networks if n.version == self._network.version]

    def _networks(self) -> list[Network]:
        """The ranges, the server's own first."""
        return list(dict.fromkeys([self._network, *(n for networks in self._more.values() for n in networks)]))

    def reserve(self, key: str, service: Service, old: Service | None = None) -> Reservation:
        """Fill in what `service` needs and has not; reserve what it asks for. `key` is its key in the store.

        Raises Invalid when something asked for is taken, out of range or of a family that is not here, InternalError when
        nothing is left, and as long as a Service cannot be decrypted; then nothing is reserved.
        """
        if self._unknown:
            raise InternalError.occurred(
                f"addresses and ports in use are not known: {min(self._unknown)} cannot be read"
            )
        before = old.spec if old is not None else None
        if before is None:
            service_families.complete_new(service.spec)
        _refuse(service, service_families.settle(service.spec, before, f"IPv{self._network.version}"))
        held = Reservation(_pending=self._pending)
        try:
            if before is None or before.type == service_families.EXTERNAL_NAME:
                self._address(service, held)
            if service.spec.type in _WITH_NODE_PORTS:
                if before is None:
                    self._new_ports(service, held)
                else:
                    self._changed_ports(service, before, held)
            if needs_health_check(service.spec) and not (before is not None and needs_health_check(before)):
                self._health_port(service.spec, held)
        except StatusError:
            held.release()
            raise
        return held

    def _free(self, value: str | int) -> bool:
        return value not in self._taken and value not in self._pending

    def _take(self, value: str | int, held: Reservation) -> None:
        held.values.add(value)
        self._pending.add(value)

    def _address(self, service: Service, held: Reservation) -> None:
        spec = service.spec
        if spec.type == service_families.EXTERNAL_NAME or service_families.is_headless(spec):
            return
        wanted = spec.clusterIP
        address = wanted or self._any_address()
        if address is None:
            name = fields.quote(service.metadata.name)
            raise InternalError.occurred(f"failed to allocate a serviceIP for Service {name}: {_FULL}")
        if wanted and (problem := self._address_problem(wanted)):
            detail = f"failed to allocate IP {wanted}: {problem}"
            _refuse(service, [fields.invalid(Path("spec", "clusterIPs"), spec.clusterIPs, detail)])
        spec.clusterIP, spec.clusterIPs = address, [address]
        self._take(_usual(address), held)

    def _address_problem(self, text: str) -> str:
        address = ipaddress.ip_address(text)
        if not any(address in network and address not in (network[0], network[-1]) for network in self._networks()):
            return "the provided network does not match the current range"
        return "" if self._free(str(address)) else "provided IP is already allocated"

    def _any_address(self) -> str | None:
        found = (self._any_of(network) for network in self._networks())
        return next((address for address in found if address is not None), None)

    def _any_of(self, network: Network) -> str | None:
        size = network.num_addresses
        # The lower part is left to those who ask for a certain address, as upstream does.
        static, last = min(max(16, size // 16), 256) if size > 32 else 0, size - 2
        for _ in range(_TRIES):
            address = str(network[_RANDOM.randint(min(static + 1, last), last)])
            if self._free(address):
                return address
        for low, high in ((static + 1, last + 1), (1, static + 1)):
            for i in range(low, high):
                address = str(network[i])
                if self._free(address):
                    return address
        return None

    def _new_ports(self, service: Service, held: Reservation) -> None:
        """Each number of a port has one node port, whatever the protocol, unless others are asked for."""
        ports = service.spec.ports or []
        given: dict[int, int] = {}
        for i, port in enumerate(ports):
            if not port.nodePort and not needs_node_ports(service.spec):
                continue
            known = given.get(port.port)
            if known is None:
                wanted = next((p.nodePort for p in ports if p.port == port.port and p.nodePort), 0)
                port.nodePort = given[port.port] = self._port(service, i, wanted, held)
            elif not port.nodePort:
                port.nodePort = known
            elif port.nodePort != known:
                self._port(service, i, port.nodePort, held)

    def _changed_ports(self, service: Service, before: ServiceSpec, held: Reservation) -> None:
        # What stands there for any other type was never given to it.
        had = {port.nodePort for port in before.ports or ()} if before.type in _WITH_NODE_PORTS else set()
        for i, port in enumerate(service.spec.ports or ()):
            if port.nodePort:
                if port.nodePort not in had and port.nodePort not in held.values:
                    self._port(service, i, port.nodePort, held)
            elif needs_node_ports(service.spec):
                port.nodePort = self._port(service, i, 0, held)

    def _port(self, service: Service, index: int, wanted: int, held: Reservation) -> int:
        """The node port of the port of that index: the one that is asked for, or any."""
        if wanted and (problem := self._port_problem(wanted)):
            _refuse(service, [fields.invalid(_PORTS.index(index).child("nodePort"), wanted, problem)])
        port = wanted or self._any_port()
        if port is None:
            raise InternalError.occurred(f"failed to allocate a nodePort: {_FULL}")
        self._take(port, held)
        return port

    def _health_port(self, spec: ServiceSpec, held: Reservation) -> None:
        wanted = spec.healthCheckNodePort or 0
        if wanted and (problem := self._port_problem(wanted)):
            raise InternalError.occurred(f"failed to allocate requested HealthCheck NodePort {wanted}: {problem}")
        port = wanted or self._any_port()
        if port is None:
            raise InternalError.occurred(f"failed to allocate a HealthCheck NodePort 0: {_FULL}")
        spec.healthCheckNodePort = port
        self._take(port, held)

    def _port_problem(self, port: int) -> str:
        if port not in self._ports:
            return (
                "provided port is not in the valid range. "
                f"The range of valid ports is {self._ports.start}-{self._ports.stop - 1}"
            )
        return "" if self._free(port) else "provided port is already allocated"

    def _any_port(self) -> int | None:
        for _ in range(_TRIES):
            port = _RANDOM.choice(self._ports)
            if self._free(port):
                return port
        return next((p for p in self._ports if self._free(p)), None)


def _usual(text: str) -> str:
    """An address as it is compared: one of IPv6 may be written in many ways."""
    address = names.loose_ip(text) if ":" in text else None
    return text if address is None else str(address)


def needs_node_ports(spec: ServiceSpec) -> bool:
    """Whether every port of the Service is to have a node port."""
    if spec.type == "NodePort":
        return True
    return spec.type == "LoadBalancer" and spec.allocateLoadBalancerNodePorts is not False


def _refuse(service: Service, errors: Sequence[FieldError]) -> None:
    if errors:
        raise Invalid.of(service.__resource__, service.metadata.name, errors)
