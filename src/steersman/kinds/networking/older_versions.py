"""Ingress as extensions/v1beta1 and networking.k8s.io/v1beta1 knew it: backends of two fields, and no path types to begin
with; and the other kinds of the group, which have changed nothing but the version."""

from __future__ import annotations

from collections.abc import Iterator

from steersman.api.meta import Resource
from steersman.kinds.kind import Plain, older

_EXTENSIONS, _NETWORKING = ("1.14", "1.22"), ("1.19", "1.22")


def _paths(spec: Plain) -> Iterator[Plain]:
    for rule in spec.get("rules") or ():
        yield from (rule.get("http") or {}).get("paths") or ()


def _default(plain: Plain) -> None:
    for path in _paths(plain.get("spec") or {}):
        path.setdefault("pathType", "ImplementationSpecific")


def to_stored(plain: Plain) -> None:
    spec = plain.get("spec") or {}
    if (backend := spec.pop("backend", None)) is not None:
        spec["defaultBackend"] = _backend_to_stored(backend)
    for path in _paths(spec):
        path["backend"] = _backend_to_stored(path.get("backend") or {})


def from_stored(plain: Plain) -> None:
    spec = plain.get("spec") or {}
    if (backend := spec.pop("defaultBackend", None)) is not None:
        spec["backend"] = _backend_from_stored(backend)
    for path in _paths(spec):
        path["backend"] = _backend_from_stored(path.get("backend") or {})


def _backend_to_stored(backend: Plain) -> Plain:
    out = {"resource": backend["resource"]} if backend.get("resource") is not None else {}
    name, port = backend.get("serviceName", ""), backend.get("servicePort")
    if name or port is not None:
        service = out["service"] = {"name": name}
        if port is not None:
            service["port"] = {"number": port} if isinstance(port, int) else {"name": port}
    return out


def _backend_from_stored(backend: Plain) -> Plain:
    out = {"resource": backend["resource"]} if backend.get("resource") is not None else {}
    service = backend.get("service")
    if service is not None:
        out["serviceName"] = service.get("name", "")
        port = service.get("port")
        if port is not None:
            out["servicePort"] = port.get("name") or port.get("number", 0)
    return out


INGRESS = (
    older(
        Resource("networking.k8s.io", "v1beta1", "ingresses", "Ingress", True),
        *_NETWORKING,
        to_stored=to_stored,
        from_stored=from_stored,
        default=_default,
    ),
    older(
        Resource("extensions", "v1beta1", "ingresses", "Ingress", True),
        *_EXTENSIONS,
        to_stored=to_stored,
        from_stored=from_stored,
        default=_default,
    ),
)
INGRESS_CLASS = (
    older(Resource("networking.k8s.io", "v1beta1", "ingressclasses", "IngressClass", False), *_NETWORKING),
)
NETWORK_POLICY = (older(Resource("extensions", "v1beta1", "networkpolicies", "NetworkPolicy", True), "1.9", "1.16"),)
