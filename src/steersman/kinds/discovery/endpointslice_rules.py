"""Validation of EndpointSlices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.address_warnings import ip_warnings
from steersman.kinds.core.container_validation import PROTOCOLS
from steersman.kinds.discovery.service_slices import MANAGED_BY
from steersman.kinds.metadata import validate_labels

if TYPE_CHECKING:
    from steersman.kinds.types.discovery_v1 import Endpoint, EndpointPort, EndpointSlice

ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
# They write most slices, and no address in an unusual way.
_CONTROLLERS = ("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io")
_MAX_ENDPOINTS, _MAX_ADDRESSES, _MAX_PORTS, _MAX_HINTS = 1000, 100, 20000, 8


def check(slice_: EndpointSlice) -> Errors:
    errors = field.check_choice(slice_.addressType, ADDRESS_TYPES, Path("addressType"))
    errors += _check_ports(slice_.ports or [], Path("ports"))
    endpoints = slice_.endpoints or []
    if len(endpoints) > _MAX_ENDPOINTS:
        return [*errors, field.too_many(Path("endpoints"), len(endpoints), _MAX_ENDPOINTS)]
    for i, endpoint in enumerate(endpoints):
        errors += _check_endpoint(endpoint, slice_.addressType, Path("endpoints").index(i))
    return errors


def check_update(slice_: EndpointSlice, old: EndpointSlice) -> Errors:
    return field.immutable(Path("addressType"), slice_.addressType, old.addressType)


def _check_endpoint(endpoint: Endpoint, kind: str, path: Path) -> Errors:
    errors: Errors = []
    at = path.child("addresses")
    if not endpoint.addresses:
        errors.append(field.required(at, "must contain at least 1 address"))
    elif len(endpoint.addresses) > _MAX_ADDRESSES:
        errors.append(field.too_many(at, len(endpoint.addresses), _MAX_ADDRESSES))
    for i, address in enumerate(endpoint.addresses):
        errors += _CHECKS.get(kind, _check_nothing)(address, at, i)
    if endpoint.nodeName:
        errors += field.all_invalid(
            path.child("nodeName"), endpoint.nodeName, names.dns1123_subdomain(endpoint.nodeName)
        )
    topology = endpoint.deprecatedTopology or {}
    if len(topology) > 16:
        errors.append(field.too_many(path.child("deprecatedTopology"), len(topology), 16))
    errors += validate_labels(topology, path.child("deprecatedTopology"))
    if endpoint.hostname:
        errors += field.all_invalid(path.child("hostname"), endpoint.hostname, names.dns1123_label(endpoint.hostname))
    return errors + _check_hints(endpoint, path.child("hints"))


def _check_v4(address: str, path: Path, i: int) -> Errors:
    return _check_ip(address, names.ip(address), "IPv4", path, i)


def _check_v6(address: str, path: Path, i: int) -> Errors:
    return _check_ip(address, names.canonical_ip(address), "IPv6", path, i)


def _check_ip(address: str, wrong: names.Messages, kind: str, path: Path, i: int) -> Errors:
    if wrong:
        return field.all_invalid(path.index(i), address, wrong)
    strange = names.ip_family(address) != kind
    errors = [field.invalid(path, address, f"must be an {kind} address")] if strange else []
    return errors + field.all_invalid(path.index(i), address, names.ordinary_ip(address))


def _check_domain(address: str, path: Path, i: int) -> Errors:
    at = path.index(i)
    if not address:
        return [field.required(at)]
    name = address.removesuffix(".")
    if wrong := names.dns1123_subdomain(name):
        return [field.invalid(at, name, ",".join(wrong))]
    if "." not in name:
        return [field.invalid(at, name, "should be a domain with at least two segments separated by dots")]
    labels = ((label, names.dns1123_label(label)) for label in name.split("."))
    return [field.invalid(at, label, ",".join(wrong)) for label, wrong in labels if wrong][:1]


def _check_nothing(address: str, path: Path, i: int) -> Errors:
    """An address of no known type is none that could be wrong."""
    return []


_CHECKS = {"FQDN": _check_domain, "IPv4": _check_v4, "IPv6": _check_v6}


def _check_hints(endpoint: Endpoint, path: Path) -> Errors:
    if endpoint.hints is None:
        return []
    errors: Errors = []
    for name, rule in (("forZones", names.label_value), ("forNodes", names.dns1123_subdomain)):
        hints, at = getattr(endpoint.hints, name) or [], path.child(name)
        if len(hints) > _MAX_HINTS:
            return [*errors, field.too_many(at, len(hints), _MAX_HINTS)]
        for i, hint in enumerate(hints):
            if any(h.name == hint.name for h in hints[:i]):
                errors.append(field.duplicate(at.index(i).child("name"), hint.name))
            errors += field.all_invalid(at.index(i).child("name"), hint.name, rule(hint.name))
    return errors


def _check_ports(ports: list[EndpointPort], path: Path) -> Errors:
    if len(ports) > _MAX_PORTS:
        return [field.too_many(path, len(ports), _MAX_PORTS)]
    errors: Errors = []
    seen: set[str] = set()
    for i, port in enumerate(ports):
        at, name = path.index(i), port.name or ""
        if name:
            errors += field.all_invalid(at.child("name"), name, names.dns1123_label(name))
        if name in seen:
            errors.append(field.duplicate(at.child("name"), name))
        seen.add(name)
        errors += field.check_choice(port.protocol, PROTOCOLS, at.child("protocol"))
        if port.appProtocol is not None:
            errors += field.all_invalid(
                at.child("appProtocol"), port.appProtocol, names.qualified_name(port.appProtocol)
            )
    return errors


def warnings(slice_: EndpointSlice) -> list[str]:
    deprecated = ["spec.addressType: FQDN endpoints are deprecated"] if slice_.addressType == "FQDN" else []
    return deprecated + update_warnings(slice_, slice_)


def update_warnings(slice_: EndpointSlice, old: EndpointSlice) -> list[str]:
    """Addresses that are written in an unusual way."""
    if (slice_.metadata.labels or {}).get(MANAGED_BY) in _CONTROLLERS:
        return []
    return [
        warning
        for i, endpoint in enumerate(slice_.endpoints or ())
        for j, address in enumerate(endpoint.addresses or ())
        for warning in ip_warnings(Path("endpoints").index(i).child("addresses").index(j), address)
    ]
