"""Validation of Services. What addresses and node ports are given is judged where they are allocated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core.container_validation import PROTOCOLS
from steersman.kinds.core.handler_validation import check_port
from steersman.kinds.core.service_families import EXTERNAL_NAME, NONE, check_kept, check_related, lists_none
from steersman.kinds.core.service_rules import POLICIES, is_external, needs_health_check
from steersman.kinds.metadata import validate_labels

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import LoadBalancerIngress, Service, ServicePort, ServiceSpec

TYPES = ("ClusterIP", EXTERNAL_NAME, "LoadBalancer", "NodePort")
_MAX_AFFINITY_SECONDS = 86400
_TRAFFIC_DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
_IP_MODES = ("Proxy", "VIP")
_SPEC = Path("spec")
_PORTS = _SPEC.child("ports")
_ANNOTATIONS = Path("metadata", "annotations")
_INGRESS = Path("status", "loadBalancer", "ingress")
_TOPOLOGY_MODE = "service.kubernetes.io/topology-mode"
_TOPOLOGY_HINTS = "service.kubernetes.io/topology-aware-hints"
_SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_ONLY_BALANCED = "may only be used when `type` is 'LoadBalancer'"


def check_new(service: Service) -> Errors:
    return _check(service, None)


def check_update(service: Service, old: Service) -> Errors:
    """A change, the unchanged parts included. What was good once stays so where the rules have become stricter."""
    spec, before = service.spec, old.spec
    errors = check_kept(spec, before)
    if spec.type == before.type == "LoadBalancer" and spec.loadBalancerClass != before.loadBalancerClass:
        at = _SPEC.child("loadBalancerClass")
        errors.append(field.invalid(at, spec.loadBalancerClass, "may not change once set"))
    errors += _check_class(spec)
    if (
        needs_health_check(spec)
        and needs_health_check(before)
        and spec.healthCheckNodePort != before.healthCheckNodePort
    ):
        errors.append(field.forbidden(_SPEC.child("healthCheckNodePort"), field.IMMUTABLE))
    return errors + _check(service, old)


def _check(service: Service, old: Service | None) -> Errors:
    spec, before = service.spec, old.spec if old is not None else None
    annotations = service.metadata.annotations or {}
    errors: Errors = []
    mode = annotations.get(_TOPOLOGY_MODE)
    if mode is not None and mode != annotations.get(_TOPOLOGY_HINTS, mode):
        detail = f"must match annotations[{_TOPOLOGY_HINTS}] when both are specified"
        errors.append(field.invalid(_ANNOTATIONS.key(_TOPOLOGY_MODE), mode, detail))
    if not spec.ports and not lists_none(spec) and spec.type != EXTERNAL_NAME:
        errors.append(field.required(_PORTS))
    errors += _check_type(spec)
    errors += _check_ports(spec.ports or [])
    errors += validate_labels(spec.selector, _SPEC.child("selector"))
    errors += _check_affinity(spec)
    errors += check_related(spec, before)
    errors += _check_external_ips(spec, (before.externalIPs if before is not None else None) or ())
    errors += field.check_choice(spec.type, TYPES, _SPEC.child("type"))
    errors += _check_numbers(spec)
    errors += _check_source_ranges(service, old)
    errors += _check_load_balancer(spec)
    return errors + _check_traffic(spec)


def _check_type(spec: ServiceSpec) -> Errors:
    if spec.type in ("LoadBalancer", "NodePort") and lists_none(spec):
        detail = f"may not be set to 'None' for {spec.type} services"
        return [field.invalid(_SPEC.child("clusterIPs").index(0), NONE, detail)]
    if spec.type != EXTERNAL_NAME:
        return []
    errors: Errors = [
        field.forbidden(_SPEC.child(name), "may not be set for ExternalName services")
        for name in ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
        if getattr(spec, name)
    ]
    name = spec.externalName.removesuffix(".")
    if not name:
        return [*errors, field.required(_SPEC.child("externalName"))]
    return errors + field.all_invalid(_SPEC.child("externalName"), name, names.dns1123_subdomain(name))


def _check_ports(ports: list[ServicePort]) -> Errors:
    seen: set[str] = set()
    return [e for i, port in enumerate(ports) for e in _check_port(port, len(ports) > 1, seen, _PORTS.index(i))]


def _check_port(port: ServicePort, needs_name: bool, seen: set[str], path: Path) -> Errors:
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
    if port.appProtocol is not None:
        errors += field.all_invalid(path.child("appProtocol"), port.appProtocol, names.qualified_name(port.appProtocol))
    return errors


def _check_numbers(spec: ServiceSpec) -> Errors:
    """Whether there may be node ports, and that no number is there twice."""
    errors: Errors = []
    ports = spec.ports or []
    if spec.type == "ClusterIP":
        detail = "may not be used when `type` is 'ClusterIP'"
        errors += [
            field.forbidden(_PORTS.index(i).child("nodePort"), detail) for i, port in enumerate(ports) if port.nodePort
        ]
    on_nodes: set[tuple[str, int]] = set()
    for i, port in enumerate(ports):
        if port.nodePort:
            if (port.protocol, port.nodePort) in on_nodes:
                errors.append(field.duplicate(_PORTS.index(i).child("nodePort"), port.nodePort))
            on_nodes.add((port.protocol, port.nodePort))
    numbers: set[tuple[str, int]] = set()
    for i, port in enumerate(ports):
        if (port.protocol, port.port) in numbers:
            shown = field.Internal(
                Name="", Protocol=port.protocol, AppProtocol=None, Port=port.port, TargetPort=0, NodePort=0
            )
            errors.append(field.duplicate(_PORTS.index(i), shown))
        numbers.add((port.protocol, port.port))
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


def _check_external_ips(spec: ServiceSpec, before: Sequence[str]) -> Errors:
    errors: Errors = []
    known = frozenset(before)
    for i, ip in enumerate(spec.externalIPs or ()):
        wrong = () if ip in known else names.ip(ip)
        errors += field.all_invalid(_SPEC.child("externalIPs").index(i), ip, wrong or names.ordinary_ip(ip))
    return errors


def _check_source_ranges(service: Service, old: Service | None) -> Errors:
    """Who may reach a load balancer, by a field or, as of old, by an annotation."""
    spec = service.spec
    # Spaces around a range were good in the annotation, and have been since in the field.
    ranges = [text.strip() for text in spec.loadBalancerSourceRanges or ()]
    at = _SPEC.child("LoadBalancerSourceRanges")
    annotation = (service.metadata.annotations or {}).get(_SOURCE_RANGES)
    if ranges:
        known = {text.strip() for text in (old.spec.loadBalancerSourceRanges if old is not None else None) or ()}
        wrong = [
            e
            for i, text in enumerate(ranges)
            if text not in known
            for e in field.all_invalid(at.index(i), text, names.cidr(text))
        ]
    elif annotation is not None:
        at = _ANNOTATIONS.key(_SOURCE_RANGES)
        unchanged = old is not None and (old.metadata.annotations or {}).get(_SOURCE_RANGES) == annotation
        ranges = [] if unchanged or not annotation.strip() else [text.strip() for text in annotation.split(",")]
        wrong = [e for text in ranges for e in field.all_invalid(at, text, names.cidr(text))]
    else:
        return []
    return wrong if spec.type == "LoadBalancer" else [field.forbidden(at, _ONLY_BALANCED), *wrong]


def _check_load_balancer(spec: ServiceSpec) -> Errors:
    errors: Errors = []
    if spec.allocateLoadBalancerNodePorts is not None and spec.type != "LoadBalancer":
        errors.append(field.forbidden(_SPEC.child("allocateLoadBalancerNodePorts"), _ONLY_BALANCED))
    return errors + _check_class(spec)


def _check_class(spec: ServiceSpec) -> Errors:
    if spec.loadBalancerClass is None:
        return []
    at = _SPEC.child("loadBalancerClass")
    if spec.type != "LoadBalancer":
        return [field.forbidden(at, _ONLY_BALANCED)]
    return field.all_invalid(at, spec.loadBalancerClass, names.qualified_name(spec.loadBalancerClass))


def _check_traffic(spec: ServiceSpec) -> Errors:
    errors: Errors = []
    external, at = spec.externalTrafficPolicy, _SPEC.child("externalTrafficPolicy")
    if is_external(spec):
        errors += field.check_choice(external, POLICIES, at)
    elif external:
        errors.append(field.invalid(at, external, "may only be set for externally-accessible services"))
    if spec.healthCheckNodePort and not needs_health_check(spec):
        detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        errors.append(field.invalid(_SPEC.child("healthCheckNodePort"), spec.healthCheckNodePort, detail))
    elif spec.healthCheckNodePort:
        port = spec.healthCheckNodePort
        errors += field.all_invalid(_SPEC.child("healthCheckNodePort"), port, names.port_number(port))
    if spec.internalTrafficPolicy or spec.type in ("ClusterIP", "LoadBalancer", "NodePort"):
        errors += field.check_choice(spec.internalTrafficPolicy, POLICIES, _SPEC.child("internalTrafficPolicy"))
    distribution = spec.trafficDistribution
    if distribution and distribution not in _TRAFFIC_DISTRIBUTIONS:
        errors.append(field.not_supported(_SPEC.child("trafficDistribution"), distribution, _TRAFFIC_DISTRIBUTIONS))
    return errors


def check_status_update(service: Service, old: Service) -> Errors:
    ingresses = _ingresses(service)
    if ingresses and service.spec.type != "LoadBalancer":
        return [field.forbidden(_INGRESS, "may only be used when `spec.type` is 'LoadBalancer'")]
    known = {ingress.ip for ingress in _ingresses(old)}
    return [e for i, ingress in enumerate(ingresses) for e in _check_ingress(ingress, known, _INGRESS.index(i))]


def _ingresses(service: Service) -> list[LoadBalancerIngress]:
    return (service.status.loadBalancer.ingress if service.status.loadBalancer else None) or []


def _check_ingress(ingress: LoadBalancerIngress, known: set[str], path: Path) -> Errors:
    errors: Errors = []
    if ingress.ip and ingress.ip not in known:
        errors += field.all_invalid(path.child("ip"), ingress.ip, names.ip(ingress.ip))
    at = path.child("ipMode")
    if ingress.ip and not ingress.ipMode:
        errors.append(field.required(at, "must be specified when `ip` is set"))
    elif ingress.ipMode and not ingress.ip:
        errors.append(field.forbidden(at, "may not be specified when `ip` is not set"))
    elif ingress.ipMode and ingress.ipMode not in _IP_MODES:
        errors.append(field.not_supported(at, ingress.ipMode, _IP_MODES))
    if ingress.hostname:
        at = path.child("hostname")
        errors += field.all_invalid(at, ingress.hostname, names.dns1123_subdomain(ingress.hostname))
        if names.loose_ip(ingress.hostname) is not None:
            errors.append(field.invalid(at, ingress.hostname, "must be a DNS name, not an IP address"))
    return errors
