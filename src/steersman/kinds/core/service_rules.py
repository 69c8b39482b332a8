"""Defaults and validation of Services. Addresses and node ports are allocated elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core.container_validation import PROTOCOLS
from steersman.kinds.core.handler_validation import check_port
from steersman.kinds.metadata import validate_labels

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import Service, ServicePort, ServiceSpec

NONE = "None"
AFFINITY_SECONDS = 10800
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_MAX_AFFINITY_SECONDS = 86400
_POLICIES = ("Cluster", "Local")
_FAMILIES = ("IPv4", "IPv6")
_FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_TRAFFIC_DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
_SPEC = Path("spec")
_ANNOTATIONS = Path("metadata", "annotations")
_KUBELET_PORT = 10250
_TOPOLOGY_MODE = "service.kubernetes.io/topology-mode"
_TOPOLOGY_HINTS = "service.kubernetes.io/topology-aware-hints"
_SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_ONLY_BALANCED = "may only be used when `type` is 'LoadBalancer'"


def is_headless(spec: ServiceSpec) -> bool:
    return spec.clusterIP == NONE or bool(spec.clusterIPs and spec.clusterIPs[0] == NONE)


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
    default_families(spec)


def default_families(spec: ServiceSpec) -> None:
    """Every service with an address of its own, or without a selector's one, has a family; IPv4 unless it says so."""
    if spec.type == "ExternalName":
        return
    # clusterIP is the first of clusterIPs.
    if spec.clusterIP and not spec.clusterIPs:
        spec.clusterIPs = [spec.clusterIP]
    if not spec.ipFamilies:
        families = [names.ip_family(ip) for ip in spec.clusterIPs or ()]
        spec.ipFamilies = [f for f in families if f] or ["IPv4"]
    if not spec.ipFamilyPolicy:
        dual = len(spec.ipFamilies) > 1 or len(spec.clusterIPs or ()) > 1
        spec.ipFamilyPolicy = "RequireDualStack" if dual else "SingleStack"


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


def on_update(service: Service, old: Service) -> None:
    """What a client left out stays as it was, and what a new type cannot have goes, unless it was asked for."""
    spec, before = service.spec, old.spec
    if spec.type == "ExternalName" and before.type != "ExternalName":
        _drop_unless_changed(spec, before, "clusterIP", "")
        _drop_unless_changed(spec, before, "clusterIPs", None)
        spec.ipFamilies, spec.ipFamilyPolicy = None, ""
    elif "ExternalName" not in (spec.type, before.type):
        _keep_addresses(spec, before)
    _update_ports(spec, before)
    if not is_external(spec):
        _drop_unless_changed(spec, before, "externalTrafficPolicy", "")
    if spec.type != "LoadBalancer":
        for name in ("allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"):
            _drop_unless_changed(spec, before, name, None)


def _update_ports(spec: ServiceSpec, before: ServiceSpec) -> None:
    with_ports = ("NodePort", "LoadBalancer")
    if spec.type in with_ports and before.type in with_ports:
        _keep_node_ports(spec.ports or [], before.ports or [])
    elif before.type in with_ports:
        _drop_node_ports(spec, before)
    if needs_health_check(spec) and needs_health_check(before) and not spec.healthCheckNodePort:
        spec.healthCheckNodePort = before.healthCheckNodePort


def _drop_unless_changed(spec: ServiceSpec, before: ServiceSpec, name: str, empty: object) -> None:
    if getattr(spec, name) == getattr(before, name):
        setattr(spec, name, empty)


def _keep_addresses(spec: ServiceSpec, before: ServiceSpec) -> None:
    if not spec.clusterIP and not spec.clusterIPs:
        spec.clusterIP, spec.clusterIPs = before.clusterIP, before.clusterIPs
    elif spec.clusterIPs == before.clusterIPs and spec.clusterIP and spec.clusterIP != before.clusterIP:
        spec.clusterIPs = [spec.clusterIP]
    elif not spec.clusterIP and spec.clusterIPs:
        spec.clusterIP = spec.clusterIPs[0]


def _keep_node_ports(ports: list[ServicePort], before: list[ServicePort]) -> None:
    """A port that asks for no node port keeps the one it had, unless somebody else now asks for it."""
    taken = {(p.protocol, p.nodePort) for p in ports if p.nodePort}
    known = {(p.protocol, p.port): p.nodePort for p in before if p.nodePort}
    for port in ports:
        had = known.get((port.protocol, port.port))
        if not port.nodePort and had and (port.protocol, had) not in taken:
            port.nodePort = had


def _drop_node_ports(spec: ServiceSpec, before: ServiceSpec) -> None:
    had = {p.nodePort for p in before.ports or ()}
    for port in spec.ports or ():
        if port.nodePort in had:
            port.nodePort = None


def check(service: Service) -> Errors:
    spec = service.spec
    annotations = service.metadata.annotations or {}
    errors: Errors = []
    mode = annotations.get(_TOPOLOGY_MODE)
    if mode is not None and mode != annotations.get(_TOPOLOGY_HINTS, mode):
        detail = f"must match annotations[{_TOPOLOGY_HINTS}] when both are specified"
        errors.append(field.invalid(_ANNOTATIONS.key(_TOPOLOGY_MODE), mode, detail))
    if not spec.ports and not is_headless(spec) and spec.type != "ExternalName":
        errors.append(field.required(_SPEC.child("ports")))
    errors += _check_type(spec)
    errors += _check_ports(spec)
    errors += validate_labels(spec.selector, _SPEC.child("selector"))
    errors += _check_affinity(spec)
    errors += _check_addresses(spec)
    errors += field.check_choice(spec.type, TYPES, _SPEC.child("type"))
    errors += _check_source_ranges(spec, annotations.get(_SOURCE_RANGES))
    errors += _check_load_balancer(spec)
    return errors + _check_traffic(spec)


def _check_type(spec: ServiceSpec) -> Errors:
    errors: Errors = []
    if spec.type == "LoadBalancer":
        detail = f"may not expose port {_KUBELET_PORT} externally since it is used by kubelet"
        for i, port in enumerate(spec.ports or ()):
            if port.port == _KUBELET_PORT:
                errors.append(field.invalid(_SPEC.child("ports").index(i), _KUBELET_PORT, detail))
    if spec.type in ("LoadBalancer", "NodePort") and is_headless(spec):
        detail = f"may not be set to 'None' for {spec.type} services"
        errors.append(field.invalid(_SPEC.child("clusterIPs").index(0), NONE, detail))
    if spec.type != "ExternalName":
        return errors
    errors = [
        field.forbidden(_SPEC.child(name), "may not be set for ExternalName services")
        for name in ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
        if getattr(spec, name)
    ]
    name = spec.externalName.removesuffix(".")
    if not name:
        return [*errors, field.required(_SPEC.child("externalName"))]
    return errors + field.all_invalid(_SPEC.child("externalName"), name, names.dns1123_subdomain(name))


def _check_ports(spec: ServiceSpec) -> Errors:
    errors: Errors = []
    ports, path = spec.ports or [], _SPEC.child("ports")
    seen: set[str] = set()
    for i, port in enumerate(ports):
        errors += _check_one_port(port, len(ports) > 1, seen, path.index(i))
        if spec.type == "ClusterIP" and port.nodePort:
            errors.append(
                field.forbidden(path.index(i).child("nodePort"), "may not be used when `type` is 'ClusterIP'")
            )
    node_ports: set[tuple[str, int]] = set()
    numbers: set[tuple[str, int]] = set()
    for i, port in enumerate(ports):
        if port.nodePort:
            if (port.protocol, port.nodePort) in node_ports:
                errors.append(field.duplicate(path.index(i).child("nodePort"), port.nodePort))
            node_ports.add((port.protocol, port.nodePort))
        if (port.protocol, port.port) in numbers:
            errors.append(field.duplicate(path.index(i), {"port": port.port, "protocol": port.protocol}))
        numbers.add((port.protocol, port.port))
    return errors


def _check_one_port(port: ServicePort, needs_name: bool, seen: set[str], path: Path) -> Errors:
    errors: Errors = []
    if needs_name and not port.name:
        errors.append(field.required(path.child("name")))
    elif port.name:
        errors += field.all_invalid(path.child("name"), port.name, names.dns1123_label(port.name))
        if port.name in seen:
            errors.append(field.duplicate(path.child("name"), port.name))
        seen.add(port.name)
    errors += field.all_invalid(path.child("port"), port.port, names.port_number(port.port))
    errors += field.check_choice(port.protocol, PROTOCOLS, path.child("protocol"))
    errors += check_port(port.targetPort, path.child("targetPort"))
    if port.nodePort:
        errors += field.all_invalid(path.child("nodePort"), port.nodePort, names.port_number(port.nodePort))
    if port.appProtocol is not None:
        errors += field.all_invalid(path.child("appProtocol"), port.appProtocol, names.qualified_name(port.appProtocol))
    return errors


def _check_affinity(spec: ServiceSpec) -> Errors:
    errors = field.check_choice(spec.sessionAffinity, ("ClientIP", "None"), _SPEC.child("sessionAffinity"))
    at, config = _SPEC.child("sessionAffinityConfig"), spec.sessionAffinityConfig
    if spec.sessionAffinity == "None" and config is not None:
        errors.append(field.forbidden(at, "must not be set when session affinity is None"))
    if spec.sessionAffinity != "ClientIP":
        return errors
    seconds = config.clientIP.timeoutSeconds if config is not None and config.clientIP is not None else None
    if seconds is None:
        errors.append(field.required(at, "when session affinity type is ClientIP"))
    elif not 0 < seconds <= _MAX_AFFINITY_SECONDS:
        detail = f"must be greater than 0 and less than {_MAX_AFFINITY_SECONDS}"
        errors.append(field.invalid(at.child("clientIP", "timeoutSeconds"), seconds, detail))
    return errors


def _check_addresses(spec: ServiceSpec) -> Errors:
    errors: Errors = []
    if spec.ipFamilyPolicy and spec.ipFamilyPolicy not in _FAMILY_POLICIES:
        errors.append(field.not_supported(_SPEC.child("ipFamilyPolicy"), spec.ipFamilyPolicy, _FAMILY_POLICIES))
    errors += _check_families(spec.ipFamilies or [])
    errors += _check_cluster_ips(spec)
    for i, ip in enumerate(spec.externalIPs or ()):
        at = _SPEC.child("externalIPs").index(i)
        wrong = names.ip(ip)
        errors += field.all_invalid(at, ip, wrong or names.ordinary_ip(ip))
    return errors


def _check_families(families: list[str]) -> Errors:
    errors: Errors = []
    for i, family in enumerate(families):
        at = _SPEC.child("ipFamilies").index(i)
        if family not in _FAMILIES:
            errors.append(field.not_supported(at, family, _FAMILIES))
        if family in families[:i]:
            errors.append(field.duplicate(at, family))
    return errors


def _check_cluster_ips(spec: ServiceSpec) -> Errors:
    ips, at = spec.clusterIPs or [], _SPEC.child("clusterIPs")
    if spec.type == "ExternalName":
        return []
    errors: Errors = []
    if not spec.clusterIP and ips:
        errors.append(field.invalid(at, ips, "must be empty when `clusterIP` is not specified"))
    elif spec.clusterIP and not ips:
        errors.append(field.required(at))
    elif ips and spec.clusterIP != ips[0]:
        errors.append(field.invalid(at, ips, "first value must match `clusterIP`"))
    headless = ips[:1] == [NONE]
    if headless and len(ips) > 1:
        errors.append(field.invalid(at, ips, "'None' must be the first and only value"))
    wrong = [
        e for i, ip in enumerate(ips) if i or not headless for e in field.all_invalid(at.index(i), ip, names.ip(ip))
    ]
    errors += wrong
    if len(ips) > 2:
        errors.append(field.invalid(at, ips, "may only hold up to 2 values"))
    # Of what is no address nothing more can be said.
    if wrong or headless:
        return errors
    found = [names.ip_family(ip) for ip in ips]
    if len(ips) > 1 and set(found) != set(_FAMILIES):
        errors.append(field.invalid(at, ips, "may specify no more than one IP for each IP family"))
    for i, (ip, family, wanted) in enumerate(zip(ips, found, spec.ipFamilies or (), strict=False)):
        if wanted in _FAMILIES and family != wanted:
            detail = f"expected an {wanted} value as indicated by `ipFamilies[{i}]`"
            errors.append(field.invalid(at.index(i), ip, detail))
    return errors


def _check_source_ranges(spec: ServiceSpec, annotation: str | None) -> Errors:
    """Who may reach a load balancer, by a field or, as of old, by an annotation."""
    # Spaces around a range were good in the annotation, and have been since in the field.
    ranges = [text.strip() for text in spec.loadBalancerSourceRanges or ()]
    at = _SPEC.child("LoadBalancerSourceRanges")
    if ranges:
        wrong = [e for i, text in enumerate(ranges) for e in field.all_invalid(at.index(i), text, names.cidr(text))]
    elif annotation is not None:
        at = _ANNOTATIONS.key(_SOURCE_RANGES)
        ranges = [text.strip() for text in annotation.split(",")] if annotation.strip() else []
        wrong = [e for text in ranges for e in field.all_invalid(at, text, names.cidr(text))]
    else:
        return []
    return wrong if spec.type == "LoadBalancer" else [field.forbidden(at, _ONLY_BALANCED), *wrong]


def _check_load_balancer(spec: ServiceSpec) -> Errors:
    errors: Errors = []
    balanced = spec.type == "LoadBalancer"
    if spec.allocateLoadBalancerNodePorts is not None and not balanced:
        errors.append(field.forbidden(_SPEC.child("allocateLoadBalancerNodePorts"), _ONLY_BALANCED))
    if spec.loadBalancerClass is not None:
        at = _SPEC.child("loadBalancerClass")
        if balanced:
            errors += field.all_invalid(at, spec.loadBalancerClass, names.qualified_name(spec.loadBalancerClass))
        else:
            errors.append(field.forbidden(at, _ONLY_BALANCED))
    return errors


def _check_traffic(spec: ServiceSpec) -> Errors:
    errors: Errors = []
    external, at = spec.externalTrafficPolicy, _SPEC.child("externalTrafficPolicy")
    if is_external(spec):
        errors += field.check_choice(external, _POLICIES, at)
    elif external:
        errors.append(field.invalid(at, external, "may only be set for externally-accessible services"))
    if spec.healthCheckNodePort and not needs_health_check(spec):
        detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        errors.append(field.invalid(_SPEC.child("healthCheckNodePort"), spec.healthCheckNodePort, detail))
    elif spec.healthCheckNodePort:
        port = spec.healthCheckNodePort
        errors += field.all_invalid(_SPEC.child("healthCheckNodePort"), port, names.port_number(port))
    if spec.internalTrafficPolicy or spec.type in ("ClusterIP", "LoadBalancer", "NodePort"):
        errors += field.check_choice(spec.internalTrafficPolicy, _POLICIES, _SPEC.child("internalTrafficPolicy"))
    distribution = spec.trafficDistribution
    if distribution and distribution not in _TRAFFIC_DISTRIBUTIONS:
        errors.append(field.not_supported(_SPEC.child("trafficDistribution"), distribution, _TRAFFIC_DISTRIBUTIONS))
    return errors


def check_update(service: Service, old: Service) -> Errors:
    """Addresses and families stay, but for a second one and for a change from or to ExternalName."""
    spec, before = service.spec, old.spec
    errors: Errors = []
    if "ExternalName" not in (spec.type, before.type):
        errors += _check_kept(spec.clusterIPs or [], before.clusterIPs or [], _SPEC.child("clusterIPs"), "clusterIP")
        if is_headless(spec) is is_headless(before) is False:
            errors += _check_kept(spec.ipFamilies or [], before.ipFamilies or [], _SPEC.child("ipFamilies"), "ipFamily")
        errors += _check_released(spec, before)
    if spec.type == before.type == "LoadBalancer" and spec.loadBalancerClass != before.loadBalancerClass:
        errors.append(
            field.invalid(_SPEC.child("loadBalancerClass"), spec.loadBalancerClass, "may not change once set")
        )
    if (
        needs_health_check(spec)
        and needs_health_check(before)
        and spec.healthCheckNodePort != before.healthCheckNodePort
    ):
        errors.append(field.forbidden(_SPEC.child("healthCheckNodePort"), field.IMMUTABLE))
    return errors


def _check_released(spec: ServiceSpec, before: ServiceSpec) -> Errors:
    """Who gives up a second address or family says that one is enough."""
    if spec.ipFamilyPolicy == "SingleStack":
        return []
    at = _SPEC.child("ipFamilyPolicy")
    return [
        field.invalid(at, spec.ipFamilyPolicy, f"must be set to 'SingleStack' when releasing the secondary {what}")
        for name, what in (("clusterIPs", "clusterIP"), ("ipFamilies", "ipFamily"))
        if len(getattr(spec, name) or ()) == 1 < len(getattr(before, name) or ())
    ]


def _check_kept(new: list[str], old: list[str], path: Path, what: str) -> Errors:
    if not old:
        return []
    if not new:
        return [field.invalid(path.index(0), new, f"primary {what} can not be unset")]
    kept = zip(new, old, strict=False)
    return [field.invalid(path.index(i), new, "may not change once set") for i, (n, o) in enumerate(kept) if n != o]


def check_status_update(service: Service, old: Service) -> Errors:
    errors: Errors = []
    ingresses = (service.status.loadBalancer.ingress if service.status.loadBalancer else None) or []
    path = Path("status", "loadBalancer", "ingress")
    if ingresses and service.spec.type != "LoadBalancer":
        return [field.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")]
    for i, ingress in enumerate(ingresses):
        at = path.index(i)
        if ingress.ip:
            errors += field.all_invalid(at.child("ip"), ingress.ip, names.ip(ingress.ip))
        elif ingress.ipMode:
            errors.append(field.forbidden(at.child("ipMode"), "may not be specified when `ip` is not set"))
        if ingress.ipMode not in ("", "VIP", "Proxy"):
            errors.append(field.not_supported(at.child("ipMode"), ingress.ipMode, ("Proxy", "VIP")))
        if ingress.hostname:
            errors += field.all_invalid(
                at.child("hostname"), ingress.hostname, names.dns1123_subdomain(ingress.hostname)
            )
            if names.ip_family(ingress.hostname):
                errors.append(
                    field.invalid(at.child("hostname"), ingress.hostname, "must be a DNS name, not an IP address")
                )
    return errors
