"""Validation of EndpointSlices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core.container_validation import PROTOCOLS

if TYPE_CHECKING:
    from steersman.kinds.types.discovery_v1 import Endpoint, EndpointPort, EndpointSlice

ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_MAX_ENDPOINTS, _MAX_ADDRESSES, _MAX_PORTS, _MAX_HINTS = 1000, 100, 20000, 8


def check(slice_: EndpointSlice) -> Errors:
    errors = field.check_choice(slice_.addressType, ADDRESS_TYPES, Path("addressType"))
    endpoints, ports = slice_.endpoints or [], slice_.ports or []
    if len(endpoints) > _MAX_ENDPOINTS:
        return [*errors, field.too_many(Path("endpoints"), len(endpoints), _MAX_ENDPOINTS)]
    for i, endpoint in enumerate(endpoints):
        errors += _check_endpoint(endpoint, slice_.addressType, Path("endpoints").index(i))
    return errors + _check_ports(ports, Path("ports"))


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
        errors += _check_address(address, kind, at.index(i))
    if endpoint.nodeName:
        errors += field.all_invalid(
            path.child("nodeName"), endpoint.nodeName, names.dns1123_subdomain(endpoint.nodeName)
        )
    if endpoint.hostname:
        errors += field.all_invalid(path.child("hostname"), endpoint.hostname, names.dns1123_label(endpoint.hostname))
    topology = endpoint.deprecatedTopology or {}
    if len(topology) > 16:
        errors.append(field.too_many(path.child("deprecatedTopology"), len(topology), 16))
    return errors + _check_hints(endpoint, path.child("hints"))


def _check_address(address: str, kind: str, path: Path) -> Errors:
    if kind == "FQDN":
        return field.all_invalid(path, address, names.dns1123_subdomain(address.removesuffix(".")))
    wrong = names.ip(address)
    if not wrong and kind and names.ip_family(address) != kind:
        wrong = (f"must be a valid {kind} address",)
    return field.all_invalid(path, address, wrong or names.ordinary_ip(address))


def _check_hints(endpoint: Endpoint, path: Path) -> Errors:
    zones = (endpoint.hints.forZones if endpoint.hints is not None else None) or []
    at = path.child("forZones")
    errors: Errors = []
    if len(zones) > _MAX_HINTS:
        errors.append(field.too_many(at, len(zones), _MAX_HINTS))
    for i, zone in enumerate(zones):
        errors += field.all_invalid(at.index(i).child("name"), zone.name, names.label_value(zone.name))
        if any(z.name == zone.name for z in zones[:i]):
            errors.append(field.duplicate(at.index(i).child("name"), zone.name))
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
        if port.port is not None:
            errors += field.all_invalid(at.child("port"), port.port, names.port_number(port.port))
        if port.appProtocol is not None:
            errors += field.all_invalid(
                at.child("appProtocol"), port.appProtocol, names.qualified_name(port.appProtocol)
            )
    return errors
