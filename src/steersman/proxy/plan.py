"""From Services and their EndpointSlices to a rule set: plain functions, one service at a time, then all together."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from steersman.kinds.types.core_v1 import Service, ServicePort
from steersman.kinds.types.discovery_v1 import EndpointSlice
from steersman.proxy import frame
from steersman.proxy.endpoints import Target, cluster_targets, is_ipv4, local_targets, targets
from steersman.proxy.ruleset import RuleSet
from steersman.proxy.settings import ProxySettings

PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name"
PROTOCOLS = ("TCP", "UDP", "SCTP")
DEFAULT_AFFINITY_SECONDS = 10800

_NAME_LENGTH = 100
_UNNAMEABLE = re.compile(r"[^A-Za-z0-9/.-]")


@dataclass(frozen=True, slots=True)
class Front:
    """A UDP address that connections are tracked for: an address and port, or a NodePort (empty address)."""

    address: str
    port: int


@dataclass(frozen=True)
class ServicePlan:
    """The rules of one Service. ``order`` decides between Services that claim the same address: the lesser wins.

    ``udp`` maps every UDP front to its endpoints' addresses, for tracked flows that must not outlive them.
    """

    order: tuple[str, str] = ("", "")
    rules: RuleSet = field(default_factory=RuleSet)
    udp: Mapping[Front, frozenset[str]] = field(default_factory=dict)


@dataclass
class _Draft:
    """A plan in the making."""

    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)
    elements: dict[str, dict[str, str]] = field(default_factory=dict)
    udp: dict[Front, frozenset[str]] = field(default_factory=dict)

    def element(self, name: str, key: str, value: str = "") -> None:
        self.elements.setdefault(name, {})[key] = value


def is_proxied(service: Service) -> bool:
    """Whether the Service has addresses of its own and is not left to another proxy."""
    labels = service.metadata.labels or {}
    address = service.spec.clusterIP
    return (
        bool(address) and address != "None" and service.spec.type != "ExternalName" and PROXY_NAME_LABEL not in labels
    )


def plan_service(service: Service, slices: Iterable[EndpointSlice], settings: ProxySettings) -> ServicePlan:
    """The rules that make the Service's addresses lead to its endpoints."""
    if not is_proxied(service):
        return ServicePlan()
    pieces = list(slices)
    draft = _Draft()
    for address in _cluster_ips(service):
        draft.element(frame.CLUSTER_IPS, address)
    for port in service.spec.ports or ():
        if (port.protocol or "TCP") not in PROTOCOLS:
            continue
        _PortPlan(service, port, targets(port, pieces, settings), settings, draft).write()
    meta = service.metadata
    return ServicePlan(
        (meta.creationTimestamp or "", f"{meta.namespace}/{meta.name}"),
        RuleSet(draft.chains, draft.sets, draft.elements),
        draft.udp,
    )


class _PortPlan:
    """Writes the rules of one service port into a draft."""

    def __init__(
        self, service: Service, port: ServicePort, every: list[Target], settings: ProxySettings, draft: _Draft
    ) -> None:
        self._service = service
        self._port = port
        self._protocol = (port.protocol or "TCP").lower()
        self._draft = draft
        self._settings = settings
        self._anywhere = cluster_targets(every, settings)
        self._local = local_targets(every)
        self._every = every
        meta = service.metadata
        self._identity = f"{meta.namespace}/{meta.name}/{self._protocol}/{port.name or port.port}"

    def write(self) -> None:
        spec = self._service.spec
        for target in self._anywhere + self._local:
            if target.local and self._settings.node_name:
                self._draft.element(frame.HAIRPIN, f"{target.address} . {target.address}")
        internal_local = spec.internalTrafficPolicy == "Local"
        internal = self._verdict(self._local if internal_local else self._anywhere, "loc" if internal_local else "svc")
        for address in _cluster_ips(self._service):
            self._front(address, internal)
        fronts = [*_external_ips(self._service), *_load_balancer_ips(self._service)]
        if fronts or self._port.nodePort:
            external = self._external_verdict()
            for address in fronts:
                self._front(address, external)
            if self._port.nodePort:
                self._node_port(self._port.nodePort, external)
        self._firewall()

    # Fronts

    def _front(self, address: str, verdict: str) -> None:
        key = f"{address} . {self._protocol} . {self._port.port}"
        goes = verdict.startswith("goto ") and verdict != frame.REJECT
        self._draft.element(frame.SERVICE_IPS if goes else frame.NO_ENDPOINT_IPS, key, verdict)
        self._track(Front(address, self._port.port))

    def _node_port(self, number: int, verdict: str) -> None:
        key = f"{self._protocol} . {number}"
        goes = verdict.startswith("goto ") and verdict != frame.REJECT
        self._draft.element(frame.NODE_PORTS if goes else frame.NO_ENDPOINT_PORTS, key, verdict)
        self._track(Front("", number))

    def _track(self, front: Front) -> None:
        if self._protocol == "udp":
            self._draft.udp[front] = frozenset(target.address for target in self._anywhere + self._local)

    def _firewall(self) -> None:
        """A load balancer's address is open to its source ranges only."""
        ranges = _ranges(self._service)
        addresses = _load_balancer_ips(self._service)
        if not ranges or not addresses:
            return
        chain = self._name("fw")
        self._draft.chains[chain] = (f"ip saddr != {{ {', '.join(ranges)} }} drop",)
        for address in addresses:
            key = f"{address} . {self._protocol} . {self._port.port}"
            self._draft.element(frame.FIREWALL_IPS, key, f"goto {chain}")

    # Ways

    def _verdict(self, chosen: list[Target], kind: str) -> str:
        """Where to go with a new connection: a chain of these endpoints, or away.

        A connection is refused when the Service has no endpoint at all, and dropped when it only has
        none here, because a client may then try another node.
        """
        if not chosen:
            return "drop" if self._anywhere else frame.REJECT
        return f"goto {self._balancer(chosen, kind)}"

    def _external_verdict(self) -> str:
        """The way of traffic from outside, to NodePorts, external and load balancer addresses."""
        if not self._anywhere and not self._local:
            return frame.REJECT
        chain = self._name("ext")
        everyone = self._verdict(self._anywhere, "svc")
        if self._service.spec.externalTrafficPolicy != "Local":
            self._draft.chains[chain] = (frame.MASQUERADE, everyone)
            return f"goto {chain}"
        own, insiders = self._settings.own_pods, self._settings.insiders
        rules = [f"ip saddr {own} {everyone}"] if own else []
        rules += [f"ip saddr {network} {frame.MASQUERADE}" for network in insiders]
        rules += [f"fib saddr type local {frame.MASQUERADE}", f"fib saddr type local {everyone}"]
        # Without a local endpoint a stranger's connection must end here, but pods and this node pass.
        rules.append(self._verdict(self._local, "loc"))
        self._draft.chains[chain] = tuple(rules)
        return f"goto {chain}"

    def _balancer(self, chosen: list[Target], kind: str) -> str:
        """The chain that picks one of the endpoints for a connection."""
        chain = self._name(kind)
        if chain in self._draft.chains:
            return chain
        if self._service.spec.sessionAffinity == "ClientIP":
            self._draft.chains[chain] = self._sticky_rules(chosen)
        elif len(chosen) == 1:
            self._draft.chains[chain] = (f"meta l4proto {self._protocol} dnat ip to {_socket(chosen[0])}",)
        else:
            ways = ", ".join(f"{i} : {t.address} . {t.port}" for i, t in enumerate(chosen))
            pick = f"numgen random mod {len(chosen)} map {{ {ways} }}"
            self._draft.chains[chain] = (f"meta l4proto {self._protocol} dnat ip to {pick}",)
        return chain

    def _sticky_rules(self, chosen: list[Target]) -> tuple[str, ...]:
        """A client returns to the endpoint it had, as long as it comes again within the timeout."""
        config = self._service.spec.sessionAffinityConfig
        seconds = (config and config.clientIP and config.clientIP.timeoutSeconds) or DEFAULT_AFFINITY_SECONDS
        known, ways = [], []
        for number, target in enumerate(chosen):
            where = f"{target.address}/{target.port}"
            members, chain = self._name("aff", f"{where}/{seconds}"), self._name("ep", where)
            self._draft.sets[members] = f"{{ type ipv4_addr; flags dynamic,timeout; timeout {seconds}s; }}"
            self._draft.chains[chain] = (
                f"update @{members} {{ ip saddr }}",
                f"meta l4proto {self._protocol} dnat ip to {_socket(target)}",
            )
            known.append(f"ip saddr @{members} goto {chain}")
            ways.append(f"{number} : goto {chain}")
        return (*known, f"numgen random mod {len(chosen)} vmap {{ {', '.join(ways)} }}")

    def _name(self, kind: str, more: str = "") -> str:
        """A name that is unique by its digest and readable by the rest."""
        whole = f"{self._identity}/{more}" if more else self._identity
        digest = hashlib.sha256(whole.encode()).hexdigest()[:12]
        return f"{kind}-{digest}-{_UNNAMEABLE.sub('_', whole)}"[:_NAME_LENGTH]


def _socket(target: Target) -> str:
    return f"{target.address}:{target.port}"


def _ipv4(addresses: Iterable[str]) -> list[str]:
    return [address for address in addresses if is_ipv4(address)]


def _cluster_ips(service: Service) -> list[str]:
    return _ipv4(service.spec.clusterIPs or [service.spec.clusterIP])


def _external_ips(service: Service) -> list[str]:
    return _ipv4(service.spec.externalIPs or ())


def _load_balancer_ips(service: Service) -> list[str]:
    """Addresses that the balancer hands through unchanged; with mode Proxy it must see the traffic itself."""
    if service.spec.type != "LoadBalancer":
        return []
    status = service.status.loadBalancer
    return _ipv4(way.ip for way in (status and status.ingress) or () if way.ip and way.ipMode != "Proxy")


def _ranges(service: Service) -> list[str]:
    found = set()
    for text in service.spec.loadBalancerSourceRanges or ():
        try:
            found.add(str(IPv4Network(text.strip(), strict=False)))
        except ValueError:
            continue  # a range of the other family
    return sorted(found)


_CLAIMED = frozenset({
    frame.SERVICE_IPS, frame.NO_ENDPOINT_IPS, frame.NODE_PORTS, frame.NO_ENDPOINT_PORTS, frame.FIREWALL_IPS,
})  # fmt: skip
"""Where fronts are, each of which belongs to one Service only: one without endpoints must not cut off another's."""


def combine(plans: Iterable[ServicePlan]) -> RuleSet:
    """All services' rules together. A front that two Services claim belongs to the one whose cluster address it has, which
    was given to it, before anybody who names it as an external one; else to the older one."""
    chains: dict[str, tuple[str, ...]] = {}
    sets: dict[str, str] = {}
    elements: dict[str, dict[str, str]] = {}
    ordered = sorted(plans, key=lambda each: each.order)
    owners: dict[str, ServicePlan] = {}
    for plan in ordered:
        for front in _own_fronts(plan):
            owners.setdefault(front, plan)
    for plan in ordered:
        chains.update(plan.rules.chains)
        sets.update(plan.rules.sets)
        for name, found in plan.rules.elements.items():
            known = elements.setdefault(name, {})
            for key, value in found.items():
                if name not in _CLAIMED or owners.setdefault(key, plan) is plan:
                    known.setdefault(key, value)
    return RuleSet(chains, sets, elements)


def _own_fronts(plan: ServicePlan) -> Iterator[str]:
    """The fronts at the Service's cluster addresses."""
    elements = plan.rules.elements
    own = elements.get(frame.CLUSTER_IPS, {})
    for name in (frame.SERVICE_IPS, frame.NO_ENDPOINT_IPS):
        for front in elements.get(name, ()):
            if front.partition(" ")[0] in own:
                yield front
