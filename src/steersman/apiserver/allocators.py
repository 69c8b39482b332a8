"""Service addresses and node ports: each is given once.

What is taken is learned from the store (all Services at the start, then every commit), so there is no second record that
could disagree; what has been given and is not committed yet is held in reservations. Beside the server's own range there are
those of ServiceCIDRs, while they are Ready and not about to go.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from steersman.api import field as fields
from steersman.api.errors import InternalError, Invalid
from steersman.api.field import FieldError, Path
from steersman.kinds.core import service_rules
from steersman.kinds.types.core_v1 import Service, ServicePort
from steersman.store.protocol import Entry, Event
from steersman.store.sealing import Sealed

_HEADLESS = "None"
_RANDOM = random.SystemRandom()
_TRIES = 16


class _Port(msgspec.Struct):
    nodePort: int = 0


class _Spec(msgspec.Struct):
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
        values: set[str | int] = {p.nodePort for p in spec.ports or () if p.nodePort}
        values.update(ip for ip in (spec.clusterIP, *(spec.clusterIPs or ())) if ip and ip != _HEADLESS)
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

        Raises Invalid when something asked for is taken or out of range, InternalError as long as a Service cannot be
        decrypted, and then nothing is reserved.
        """
        if self._unknown:
            raise InternalError.occurred(
                f"addresses and ports in use are not known: {min(self._unknown)} cannot be read"
            )
        if old is not None:
            # What a client left out stays as it was: it needs nothing new.
            service_rules.on_update(service, old)
        reservation = Reservation(_pending=self._pending)
        errors: list[FieldError] = []
        mine = self._by_key.get(key, frozenset()) if old is not None else frozenset()
        self._address(key, service, mine, reservation, errors)
        self._node_ports(key, service, mine, reservation, errors)
        if errors:
            reservation.release()
            raise Invalid.of(service.__resource__, service.metadata.name, errors)
        return reservation

    def _free(self, value: str | int, mine: frozenset[str | int]) -> bool:
        return value in mine or (value not in self._taken and value not in self._pending)

    def _take(self, value: str | int, reservation: Reservation) -> None:
        reservation.values.add(value)
        self._pending.add(value)

    def _address(
        self,
        key: str,
        service: Service,
        mine: frozenset[str | int],
        reservation: Reservation,
        errors: list[FieldError],
    ) -> None:
        spec = service.spec
        if spec.type == "ExternalName":
            return
        if not spec.clusterIP:
            address = self._any_address(mine)
            if address is None:
                errors.append(
                    fields.invalid(Path("spec", "clusterIPs"), [], "failed to allocate a serviceIP: range is full")
                )
                return
            spec.clusterIP = address
        elif spec.clusterIP != _HEADLESS and (problem := self._address_problem(spec.clusterIP, mine)):
            path = Path("spec", "clusterIPs")
            errors.append(fields.invalid(path, [spec.clusterIP], f"failed to allocate IP {spec.clusterIP}: {problem}"))
            return
        spec.clusterIPs = [spec.clusterIP]
        if not spec.ipFamilies:
            spec.ipFamilies = [f"IPv{self._network.version}"]
        if not spec.ipFamilyPolicy:
            spec.ipFamilyPolicy = "SingleStack"
        if spec.clusterIP != _HEADLESS:
            self._take(spec.clusterIP, reservation)

    def _address_problem(self, text: str, mine: frozenset[str | int]) -> str:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return "not a valid IP"
        networks = self._networks()
        if not any(address in network and address not in (network[0], network[-1]) for network in networks):
            ranges = ", ".join(map(str, networks))
            return f"the provided IP ({text}) is not in the valid range. The range of valid IPs is {ranges}"
        return "" if self._free(text, mine) else "provided IP is already allocated"

    def _any_address(self, mine: frozenset[str | int]) -> str | None:
        found = (self._any_of(network, mine) for network in self._networks())
        return next((address for address in found if address is not None), None)

    def _any_of(self, network: Network, mine: frozenset[str | int]) -> str | None:
        size = network.num_addresses
        # The lower part is left to those who ask for a certain address, as upstream does.
        static, last = min(max(16, size // 16), 256) if size > 32 else 0, size - 2
        for _ in range(_TRIES):
            address = str(network[_RANDOM.randint(min(static + 1, last), last)])
            if self._free(address, mine):
                return address
        for low, high in ((static + 1, last + 1), (1, static + 1)):
            for i in range(low, high):
                address = str(network[i])
                if self._free(address, mine):
                    return address
        return None

    def _node_ports(
        self,
        key: str,
        service: Service,
        mine: frozenset[str | int],
        reservation: Reservation,
        errors: list[FieldError],
    ) -> None:
        spec = service.spec
        path = Path("spec", "ports")
        for i, port in enumerate(spec.ports or ()):
            if port.nodePort:
                problem = "" if port.nodePort in reservation.values else self._port_problem(port.nodePort, mine)
                if problem:
                    errors.append(fields.invalid(path.index(i).child("nodePort"), port.nodePort, problem))
                else:
                    self._take(port.nodePort, reservation)
        if needs_node_ports(service):
            for i, port in enumerate(spec.ports or ()):
                if not port.nodePort:
                    self._give(
                        path.index(i).child("nodePort"), self._setter(spec.ports or [], port), reservation, errors
                    )
        if needs_health_port(service):
            self._health_port(service, mine, reservation, errors)

    def _setter(self, ports: list[ServicePort], port: ServicePort) -> Callable[[int], bool]:
        # One service may use a node port twice, for two protocols of the same port.
        twin = next(
            (p.nodePort for p in ports if p.nodePort and p.port == port.port and p.protocol != port.protocol), 0
        )

        def setter(value: int) -> bool:
            port.nodePort = twin or value
            return not twin

        return setter

    def _give(
        self, path: Path, setter: Callable[[int], bool], reservation: Reservation, errors: list[FieldError]
    ) -> None:
        value = self._any_port(reservation)
        if value is None:
            errors.append(fields.internal(path, "failed to allocate a nodePort: range is full"))
        elif setter(value):
            self._take(value, reservation)

    def _health_port(
        self, service: Service, mine: frozenset[str | int], reservation: Reservation, errors: list[FieldError]
    ) -> None:
        path = Path("spec", "healthCheckNodePort")
        wanted = service.spec.healthCheckNodePort
        if not wanted:

            def setter(value: int) -> bool:
                service.spec.healthCheckNodePort = value
                return True

            self._give(path, setter, reservation, errors)
        elif problem := self._port_problem(wanted, mine):
            errors.append(fields.invalid(path, wanted, problem))
        else:
            self._take(wanted, reservation)

    def _port_problem(self, port: int, mine: frozenset[str | int]) -> str:
        if port not in self._ports:
            return (
                "provided port is not in the valid range. "
                f"The range of valid ports is {self._ports.start}-{self._ports.stop - 1}"
            )
        return "" if self._free(port, mine) else "provided port is already allocated"

    def _any_port(self, reservation: Reservation) -> int | None:
        nothing: frozenset[str | int] = frozenset()
        for _ in range(_TRIES):
            port = _RANDOM.choice(self._ports)
            if self._free(port, nothing):
                return port
        return next((p for p in self._ports if self._free(p, nothing)), None)


def needs_node_ports(service: Service) -> bool:
    """Whether every port of the Service is to have a node port."""
    spec = service.spec
    if spec.type == "NodePort":
        return True
    return spec.type == "LoadBalancer" and spec.allocateLoadBalancerNodePorts is not False


def needs_health_port(service: Service) -> bool:
    return service.spec.type == "LoadBalancer" and service.spec.externalTrafficPolicy == "Local"
