"""The cluster's zone: every name of the domain and of the reverse trees, answered by structure. No I/O, no message format."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, ip_address

from steersman.dns.records import ServiceRecords

SCHEMA_VERSION = "1.1.0"
TTL = 5

_REVERSE_4, _REVERSE_6 = "in-addr.arpa", "ip6.arpa"


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record in presentation form; ``name`` is absolute, without the last dot."""

    name: str
    kind: str
    data: str


@dataclass(frozen=True, slots=True)
class Found:
    """``exists`` parts a name without such a record (no error) from no name (NXDOMAIN). ``apex`` is the zone
    whose SOA says so. ``extra`` are records a client will want next."""

    exists: bool
    apex: str
    records: tuple[Record, ...] = ()
    extra: tuple[Record, ...] = ()


class Zone:
    """The names of one cluster. Changes are synchronous; each raises ``serial``.

    ``ranges`` are the cluster's own networks, whose reverse trees nobody else is asked about. ``nameserver``
    is the address under which the cluster's pods ask.
    """

    def __init__(
        self, domain: str = "cluster.local", ranges: Iterable[IPv4Network] = (), nameserver: str = "", serial: int = 1
    ) -> None:
        self.domain = domain.rstrip(".").lower()
        self.serial = serial
        self._tail = "." + self.domain
        self._nameserver = nameserver
        self._ranges = [(network, _reverse_apex(network)) for network in ranges]
        self._services: dict[tuple[str, str], ServiceRecords] = {}
        self._namespaces: set[str] = set()
        self._reverse: dict[str, dict[tuple[str, str], str]] = {}

    # Changing

    def set_service(self, namespace: str, name: str, records: ServiceRecords | None) -> bool:
        """Replaces (or with None removes) a Service's records; returns whether that changed anything."""
        key = (name.lower(), namespace.lower())
        old = self._services.get(key)
        if old == records:
            return False
        for address in old.reverse if old is not None else ():
            del self._reverse[address][key]
            if not self._reverse[address]:
                del self._reverse[address]
        if records is None:
            del self._services[key]
        else:
            self._services[key] = records
            for address, host in records.reverse.items():
                self._reverse.setdefault(address, {})[key] = host
        self._changed()
        return True

    def set_namespace(self, name: str, *, present: bool) -> None:
        if (name in self._namespaces) != present:
            (self._namespaces.add if present else self._namespaces.discard)(name)
            self._changed()

    def _changed(self) -> None:
        self.serial = (self.serial + 1) & 0xFFFFFFFF

    # Asking

    def lookup(self, name: str, kind: str) -> Found | None:
        """What there is for a lower-case name without the last dot; None when the name is not ours to answer.

        ``kind`` is a record type such as ``A``, or ``ANY``.
        """
        if name == self.domain:
            return self._found(True, self._apex_records(), kind)
        if name.endswith(self._tail):
            labels = name[: -len(self._tail)].split(".")
            return self._inside(name, labels, kind)
        if name.endswith((_REVERSE_4, _REVERSE_6)):
            return self._pointer(name, kind)
        return None

    def authority(self, apex: str) -> Record:
        """The SOA record of one of our zones. Its last number is how long an absence may be remembered."""
        server, contact = f"ns.dns.{self.domain}.", f"hostmaster.{self.domain}."
        return Record(apex, "SOA", f"{server} {contact} {self.serial} 7200 1800 86400 {TTL}")

    def _apex_records(self) -> list[Record]:
        return [self.authority(self.domain), Record(self.domain, "NS", f"ns.dns.{self.domain}.")]

    def _inside(self, name: str, labels: list[str], kind: str) -> Found:
        tree = labels[-1]
        if tree == "svc":
            return self._service_tree(name, labels[:-1], kind)
        if tree == "pod":
            return self._pod_tree(name, labels[:-1], kind)
        if labels == ["dns-version"]:
            return self._found(True, [Record(name, "TXT", f'"{SCHEMA_VERSION}"')], kind)
        if labels == ["ns", "dns"] and self._nameserver:
            return self._found(True, _addresses(name, (self._nameserver,)), kind)
        return self._found(labels == ["dns"], [], kind)

    def _service_tree(self, name: str, labels: list[str], kind: str) -> Found:
        """``labels`` without ``svc``: [[[port,] protocol or host,] service,] namespace."""
        if len(labels) < 2:
            return self._found(not labels or self._has_namespace(labels[0]), [], kind)
        key = (labels[-2], labels[-1])
        service = self._services.get(key)
        if service is None or not service.exists:
            return self._found(False, [], kind)
        base = f"{key[0]}.{key[1]}.svc{self._tail}"
        below = labels[:-2]
        if not below:
            if service.alias:
                return Found(True, self.domain, (Record(name, "CNAME", service.alias + "."),))
            return self._found(True, _addresses(name, service.addresses), kind)
        if len(below) == 1:
            return self._below_service(name, below[0], service, kind)
        if len(below) == 2 and below[0].startswith("_") and below[1].startswith("_"):
            ways = service.ports.get((below[0][1:], below[1][1:]), ())
            return self._ports(name, base, ways, service, kind)
        return self._found(False, [], kind)

    def _below_service(self, name: str, label: str, service: ServiceRecords, kind: str) -> Found:
        if label in service.hosts:
            return self._found(True, _addresses(name, service.hosts[label]), kind)
        # ``_tcp`` has names below it and so exists itself.
        return self._found(label[:1] == "_" and any(label[1:] == protocol for _, protocol in service.ports), [], kind)

    def _ports(
        self, name: str, base: str, ways: tuple[tuple[str, int], ...], service: ServiceRecords, kind: str
    ) -> Found:
        records, extra = [], []
        weight = max(1, 100 // len(ways)) if ways else 0
        for host, number in ways:
            target = f"{host}.{base}" if host else base
            records.append(Record(name, "SRV", f"0 {weight} {number} {target}."))
            if kind in ("SRV", "ANY"):
                extra += _addresses(target, service.hosts[host] if host else service.addresses)
        found = self._found(bool(ways), records, kind)
        return Found(found.exists, found.apex, found.records, tuple(dict.fromkeys(extra)))

    def _pod_tree(self, name: str, labels: list[str], kind: str) -> Found:
        """``labels`` without ``pod``: [address with dashes,] namespace."""
        if len(labels) < 2:
            return self._found(not labels or self._has_namespace(labels[0]), [], kind)
        address = _dashed_address(labels[0]) if len(labels) == 2 and self._has_namespace(labels[1]) else ""
        return self._found(bool(address), _addresses(name, (address,)) if address else [], kind)

    def _has_namespace(self, name: str) -> bool:
        return name in self._namespaces

    def _found(self, exists: bool, records: list[Record], kind: str) -> Found:
        chosen = tuple(record for record in records if kind in (record.kind, "ANY"))
        return Found(exists, self.domain, chosen)

    def _pointer(self, name: str, kind: str) -> Found | None:
        address = _reversed_address(name)
        names = self._reverse.get(address) if address else None
        if names:
            apex = next((apex for network, apex in self._ranges if _within(address, network)), _REVERSE_4)
            targets = [
                f"{host}.{key[0]}.{key[1]}" if host else f"{key[0]}.{key[1]}" for key, host in sorted(names.items())
            ]
            records = tuple(Record(name, "PTR", f"{target}.svc{self._tail}.") for target in targets)
            return Found(True, apex, records if kind in ("PTR", "ANY") else ())
        for network, apex in self._ranges:
            if (address and _within(address, network)) or name == apex:
                return Found(name == apex, apex)
        return None


def _addresses(name: str, addresses: Iterable[str]) -> list[Record]:
    return [Record(name, "AAAA" if ":" in address else "A", address) for address in addresses]


def _dashed_address(label: str) -> str:
    """``10-0-0-1`` as an address; empty when it is none."""
    text = label.replace("-", "." if label.count("-") == 3 and "--" not in label else ":")
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def _reversed_address(name: str) -> str:
    """The address that a name of a reverse tree stands for; empty when it is incomplete or none."""
    try:
        if name.endswith("." + _REVERSE_4):
            return str(ip_address(".".join(reversed(name[: -len(_REVERSE_4) - 1].split(".")))))
        if name.endswith("." + _REVERSE_6):
            digits = "".join(reversed(name[: -len(_REVERSE_6) - 1].split(".")))
            return str(IPv6Address(bytes.fromhex(digits)))
    except ValueError:
        return ""
    return ""


def _reverse_apex(network: IPv4Network) -> str:
    """The smallest reverse zone, cut at whole octets, that holds the network."""
    octets = str(network.network_address).split(".")[: network.prefixlen // 8]
    return ".".join([*reversed(octets), _REVERSE_4])


def _within(address: str, network: IPv4Network) -> bool:
    return ip_address(address) in network
