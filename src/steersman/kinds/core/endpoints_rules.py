"""Validation of Endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.address_warnings import ip_warnings
from steersman.kinds.core.container_validation import PROTOCOLS

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import EndpointAddress, EndpointPort, Endpoints, EndpointSubset

_SUBSETS = Path("subsets")
_MANAGED_BY, _CONTROLLER = "endpoints.kubernetes.io/managed-by", "endpoint-controller"


def check_new(endpoints: Endpoints) -> Errors:
    return [e for i, subset in enumerate(endpoints.subsets or ()) for e in _check_subset(subset, _SUBSETS.index(i))]


def check_update(endpoints: Endpoints, old: Endpoints) -> Errors:
    """Addresses that were there before may be such that nobody could write them today."""
    errors = check_new(endpoints)
    return [] if errors and field.same(endpoints.subsets, old.subsets) else errors


def warnings(endpoints: Endpoints) -> list[str]:
    """Addresses that are written in an unusual way; the controller, which writes most, writes none so."""
    if (endpoints.metadata.labels or {}).get(_MANAGED_BY) == _CONTROLLER:
        return []
    return [
        warning
        for i, subset in enumerate(endpoints.subsets or ())
        for name in ("addresses", "notReadyAddresses")
        for j, address in enumerate(getattr(subset, name) or ())
        for warning in ip_warnings(_SUBSETS.index(i).child(name).index(j).child("ip"), address.ip)
    ]


def _check_subset(subset: EndpointSubset, path: Path) -> Errors:
    errors: Errors = []
    if not subset.addresses and not subset.notReadyAddresses:
        errors.append(field.required(path, "must specify `addresses` or `notReadyAddresses`"))
    for name in ("addresses", "notReadyAddresses"):
        for i, address in enumerate(getattr(subset, name) or ()):
            errors += _check_address(address, path.child(name).index(i))
    ports = subset.ports or []
    for i, port in enumerate(ports):
        errors += check_port(port, len(ports) > 1, path.child("ports").index(i))
    return errors


def _check_address(address: EndpointAddress, path: Path) -> Errors:
    at = path.child("ip")
    errors = field.all_invalid(at, address.ip, names.ip(address.ip))
    if address.hostname:
        errors += field.all_invalid(path.child("hostname"), address.hostname, names.dns1123_label(address.hostname))
    if address.nodeName:
        errors += field.all_invalid(path.child("nodeName"), address.nodeName, names.dns1123_subdomain(address.nodeName))
    known = names.loose_ip(address.ip) is not None
    unusual = names.ordinary_ip(address.ip) if known else ("must be a valid IP address",)
    return errors + field.all_invalid(at, address.ip, unusual)


def check_port(port: EndpointPort, needs_name: bool, path: Path) -> Errors:
    errors: Errors = []
    if port.name:
        errors += field.all_invalid(path.child("name"), port.name, names.dns1123_label(port.name))
    elif needs_name:
        errors.append(field.required(path.child("name")))
    errors += field.all_invalid(path.child("port"), port.port, names.port_number(port.port))
    errors += field.check_choice(port.protocol, PROTOCOLS, path.child("protocol"))
    if port.appProtocol is not None:
        errors += field.all_invalid(path.child("appProtocol"), port.appProtocol, names.qualified_name(port.appProtocol))
    return errors
