"""Validation of Ingresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.address_warnings import ip_warnings
from steersman.kinds.networking.ingressclass_rules import check_reference

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import (
        HTTPIngressPath,
        Ingress,
        IngressBackend,
        IngressRule,
        IngressServiceBackend,
    )

PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_SPEC = Path("spec")
_CLASS = "kubernetes.io/ingress.class"
_SEQUENCES, _ENDINGS = ("//", "/./", "/../", "%2f", "%2F"), ("/..", "/.")


def check(ingress: Ingress) -> Errors:
    spec = ingress.spec
    errors: Errors = []
    if not spec.rules and spec.defaultBackend is None:
        errors.append(field.invalid(_SPEC, spec.rules or [], "either `defaultBackend` or `rules` must be specified"))
    if spec.defaultBackend is not None:
        errors += _check_backend(spec.defaultBackend, _SPEC.child("defaultBackend"))
    for i, rule in enumerate(spec.rules or ()):
        errors += _check_rule(rule, _SPEC.child("rules").index(i))
    for i, tls in enumerate(spec.tls or ()):
        for j, host in enumerate(tls.hosts or ()):
            errors += _check_host_format(host, _SPEC.child("tls").index(i).child("hosts").index(j))
        if tls.secretName:
            at = _SPEC.child("tls").index(i).child("secretName")
            errors += field.all_invalid(at, tls.secretName, names.dns1123_subdomain(tls.secretName))
    if spec.ingressClassName is not None:
        at = _SPEC.child("ingressClassName")
        errors += field.all_invalid(at, spec.ingressClassName, names.dns1123_subdomain(spec.ingressClassName))
    return errors


def check_new(ingress: Ingress) -> Errors:
    """A new Ingress names its class in one way, or twice the same."""
    marked, named = (ingress.metadata.annotations or {}).get(_CLASS), ingress.spec.ingressClassName
    if marked is None or named is None or marked == named:
        return []
    detail = "must match `ingressClassName` when both are specified"
    return [field.invalid(Path("annotations", _CLASS), marked, detail)]


def check_status_update(ingress: Ingress, old: Ingress) -> Errors:
    balancer = ingress.status.loadBalancer
    errors: Errors = []
    for i, point in enumerate((balancer.ingress if balancer is not None else None) or ()):
        at = Path("status", "loadBalancer", "ingress").index(i)
        if point.ip:
            errors += field.all_invalid(at.child("ip"), point.ip, names.ip(point.ip))
        if point.hostname:
            errors += _check_name(point.hostname, at.child("hostname"))
    return errors


def _check_name(hostname: str, path: Path) -> Errors:
    errors = field.all_invalid(path, hostname, names.dns1123_subdomain(hostname))
    if names.ip_family(hostname):
        errors.append(field.invalid(path, hostname, "must be a DNS name, not an IP address"))
    return errors


def _check_host_format(host: str, path: Path) -> Errors:
    rule = names.wildcard_subdomain if "*" in host else names.dns1123_subdomain
    return field.all_invalid(path, host, rule(host))


def _check_rule(rule: IngressRule, path: Path) -> Errors:
    errors: Errors = []
    if rule.host:
        if names.ip_family(rule.host):
            errors.append(field.invalid(path.child("host"), rule.host, "must be a DNS name, not an IP address"))
        errors += _check_host_format(rule.host, path.child("host"))
    if rule.http is None:
        return errors
    at = path.child("http", "paths")
    if not rule.http.paths:
        errors.append(field.required(at))
    for i, http in enumerate(rule.http.paths):
        errors += _check_path(http, at.index(i))
    return errors


def _check_path(http: HTTPIngressPath, path: Path) -> Errors:
    if not http.pathType:
        return [field.required(path.child("pathType"), "pathType must be specified")]
    errors: Errors = []
    at = path.child("path")
    if http.pathType not in PATH_TYPES:
        errors.append(field.not_supported(path.child("pathType"), http.pathType, PATH_TYPES))
    elif http.pathType != "ImplementationSpecific" or http.path:
        if not http.path.startswith("/"):
            errors.append(field.invalid(at, http.path, "must be an absolute path"))
        if http.pathType != "ImplementationSpecific":
            errors += [field.invalid(at, http.path, f"must not contain '{s}'") for s in _SEQUENCES if s in http.path]
            errors += [
                field.invalid(at, http.path, f"cannot end with '{s}'") for s in _ENDINGS if http.path.endswith(s)
            ]
    return errors + _check_backend(http.backend, path.child("backend"))


def _check_backend(backend: IngressBackend, path: Path) -> Errors:
    if backend.resource is not None and backend.service is not None:
        return [field.invalid(path, "", "cannot set both resource and service backends")]
    if backend.resource is not None:
        return check_reference(backend.resource, path.child("resource"))
    if backend.service is None:
        return [field.invalid(path, "", "resource or service backend is required")]
    return _check_service(backend.service, path)


def _check_service(service: IngressServiceBackend, path: Path) -> Errors:
    errors: Errors = []
    at = path.child("service", "name")
    if not service.name:
        errors.append(field.required(at))
    else:
        errors += field.all_invalid(at, service.name, names.dns1123_label(service.name))
    port = service.port
    if port is None or (not port.name and not port.number):
        return [*errors, field.required(path, "port name or number is required")]
    if port.name and port.number:
        return [*errors, field.invalid(path, "", "cannot set both port name & port number")]
    if port.name:
        return errors + field.all_invalid(path.child("service", "port", "name"), port.name, names.port_name(port.name))
    number = port.number or 0
    return errors + field.all_invalid(path.child("service", "port", "number"), number, names.port_number(number))


def warnings(ingress: Ingress) -> list[str]:
    """The class by its annotation from before there was a field."""
    if _CLASS not in (ingress.metadata.annotations or ()) or ingress.spec.ingressClassName is not None:
        return []
    return [f"annotation {field.quote(_CLASS)} is deprecated, please use 'spec.ingressClassName' instead"]


def status_warnings(ingress: Ingress) -> list[str]:
    at = Path("status", "loadBalancer", "ingress")
    points = (ingress.status.loadBalancer.ingress if ingress.status.loadBalancer else None) or ()
    return [w for i, point in enumerate(points) if point.ip for w in ip_warnings(at.index(i), point.ip)]
