"""What Services get by default, and what a change of one keeps and drops. Addresses and ports are allocated elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from steersman.kinds.core.service_families import EXTERNAL_NAME, complete_changed, complete_new

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Service, ServicePort, ServiceSpec

AFFINITY_SECONDS = 10800
POLICIES = ("Cluster", "Local")
_WITH_NODE_PORTS = ("LoadBalancer", "NodePort")


def is_external(spec: ServiceSpec) -> bool:
    """Whether the service can be reached from outside the cluster."""
    return spec.type in ("LoadBalancer", "NodePort") or (spec.type == "ClusterIP" and bool(spec.externalIPs))


def needs_health_check(spec: ServiceSpec) -> bool:
    return spec.type == "LoadBalancer" and spec.externalTrafficPolicy == "Local"


def default(service: Service) -> None:
    spec = service.spec
    spec.sessionAffinity = spec.sessionAffinity or "None"
    _default_affinity(spec)
    spec.type = spec.type or "ClusterIP"
    for port in spec.ports or ():
        port.protocol = port.protocol or "TCP"
        if port.targetPort in (None, 0, ""):
            port.targetPort = port.port
    if is_external(spec):
        spec.externalTrafficPolicy = spec.externalTrafficPolicy or "Cluster"
    if spec.type in ("NodePort", "LoadBalancer", "ClusterIP"):
        spec.internalTrafficPolicy = spec.internalTrafficPolicy or "Cluster"
    if spec.type == "LoadBalancer" and spec.allocateLoadBalancerNodePorts is None:
        spec.allocateLoadBalancerNodePorts = True
    for ingress in (service.status.loadBalancer.ingress if service.status.loadBalancer else None) or ():
        if ingress.ip and not ingress.ipMode and spec.type == "LoadBalancer":
            ingress.ipMode = "VIP"


def _default_affinity(spec: ServiceSpec) -> None:
    from steersman.kinds.types.core_v1 import ClientIPConfig, SessionAffinityConfig

    config = spec.sessionAffinityConfig
    if spec.sessionAffinity == "None":
        spec.sessionAffinityConfig = None
    elif spec.sessionAffinity == "ClientIP" and (
        config is None or config.clientIP is None or config.clientIP.timeoutSeconds is None
    ):
        spec.sessionAffinityConfig = SessionAffinityConfig(clientIP=ClientIPConfig(timeoutSeconds=AFFINITY_SECONDS))


def on_create(service: Service) -> None:
    """A Service always says what balances its load, if only that nothing does."""
    from steersman.kinds.types.core_v1 import LoadBalancerStatus

    service.status.loadBalancer = LoadBalancerStatus()
    complete_new(service.spec)
    _drop_internal_policy(service.spec)


def on_update(service: Service, old: Service) -> None:
    """What a client left out stays as it was, and what a new type cannot have goes, unless it was asked for."""
    spec, before = service.spec, old.spec
    complete_changed(spec, before)
    if _takes_node_ports(spec) and _takes_node_ports(before):
        _keep_node_ports(spec.ports or [], before.ports or [])
    if needs_health_check(spec) and needs_health_check(before) and not spec.healthCheckNodePort:
        spec.healthCheckNodePort = before.healthCheckNodePort
    if spec.type == EXTERNAL_NAME and before.type != EXTERNAL_NAME:
        _drop_addresses(spec, before)
    if before.type in _WITH_NODE_PORTS and spec.type not in _WITH_NODE_PORTS:
        _drop_node_ports(spec.ports or [], before.ports or [])
    if needs_health_check(before) and not needs_health_check(spec):
        _drop_unless_changed(spec, before, "healthCheckNodePort", None)
    if spec.type != "LoadBalancer":
        for name in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
            _drop_unless_changed(spec, before, name, None)
        _forget_balancer(service)
    if not is_external(spec):
        _drop_unless_changed(spec, before, "externalTrafficPolicy", "")
    _drop_internal_policy(spec)


def _takes_node_ports(spec: ServiceSpec) -> bool:
    return spec.type == "NodePort" or (spec.type == "LoadBalancer" and spec.allocateLoadBalancerNodePorts is not False)


def _drop_unless_changed(spec: ServiceSpec, before: ServiceSpec, name: str, empty: object) -> None:
    if getattr(spec, name) == getattr(before, name):
        setattr(spec, name, empty)


def _drop_addresses(spec: ServiceSpec, before: ServiceSpec) -> None:
    if spec.clusterIP == before.clusterIP and spec.clusterIPs == before.clusterIPs:
        spec.clusterIP, spec.clusterIPs = "", None
    _drop_unless_changed(spec, before, "ipFamilies", None)
    _drop_unless_changed(spec, before, "ipFamilyPolicy", "")


def _keep_node_ports(ports: list[ServicePort], before: list[ServicePort]) -> None:
    """A port that asks for no node port keeps that of its name, unless somebody else now asks for it."""
    taken = {p.nodePort for p in before} & {p.nodePort for p in ports}
    known = {p.name: p.nodePort for p in before}
    for port in ports:
        had = known.get(port.name)
        if not port.nodePort and had and had not in taken:
            port.nodePort = had


def _drop_node_ports(ports: list[ServicePort], before: list[ServicePort]) -> None:
    """None is kept, unless there is one that was not there: somebody means it, and is told what is wrong with it."""
    if {p.nodePort for p in ports if p.nodePort} <= {p.nodePort for p in before}:
        for port in ports:
            port.nodePort = None


def _drop_internal_policy(spec: ServiceSpec) -> None:
    """A Service without addresses has nothing that the policy could be about."""
    if spec.type == EXTERNAL_NAME and spec.internalTrafficPolicy in POLICIES:
        spec.internalTrafficPolicy = ""


def _forget_balancer(service: Service) -> None:
    """Nothing balances the load of other types, whatever still has to be torn down."""
    from steersman.kinds.types.core_v1 import LoadBalancerStatus

    if service.status.loadBalancer is not None and service.status.loadBalancer.ingress:
        # The status belongs to the stored object.
        service.status = structs.replace(service.status, loadBalancer=LoadBalancerStatus())
