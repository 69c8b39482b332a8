"""Validation of Endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core.container_validation import PROTOCOLS

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import EndpointAddress, EndpointPort, Endpoints, EndpointSubset


def check(endpoints: Endpoints) -> Errors:
    at = Path("subsets")
    return [e for i, subset in enumerate(endpoints.subsets or ()) for e in _check_subset(subset, at.index(i))]


def _check_subset(subset: EndpointSubset, path: Path) -> Errors:
    if not subset.addresses and not subset.notReadyAddresses:
        return [field.required(path, "must specify `addresses` or `notReadyAddresses`")]
    errors: Errors = []
    for name in ("addresses", "notReadyAddresses"):
        for i, address in enumerate(getattr(subset, name) or ()):
            errors += _check_address(address, path.child(name).index(i))
    ports = subset.ports or []
    for i, port in enumerate(ports):
        errors += check_port(port, len(ports) > 1, path.child("ports").index(i))
    return errors


def _check_address(address: EndpointAddress, path: Path) -> Errors:
    wrong = names.ip(address.ip) or names.ordinary_ip(address.ip)
    errors = field.all_invalid(path.child("ip"), address.ip, wrong)
    if address.hostname:
        errors += field.all_invalid(path.child("hostname"), address.hostname, names.dns1123_label(address.hostname))
    if address.nodeName:
        errors += field.all_invalid(path.child("nodeName"), address.nodeName, names.dns1123_subdomain(address.nodeName))
    return errors


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
