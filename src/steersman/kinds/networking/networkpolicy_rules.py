"""Validation of NetworkPolicies."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds import label_selector
from steersman.kinds.address_warnings import cidr_warnings
from steersman.kinds.core.container_validation import PROTOCOLS

if TYPE_CHECKING:
    from steersman.kinds.types.networking_v1 import IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort

_TYPES = ("Ingress", "Egress")
_SPEC = Path("spec")


def check(policy: NetworkPolicy) -> Errors:
    spec = policy.spec
    errors = label_selector.check(spec.podSelector, _SPEC.child("podSelector"))
    for i, ingress in enumerate(spec.ingress or ()):
        at = _SPEC.child("ingress").index(i)
        errors += _check_ports(ingress.ports or [], at.child("ports"))
        errors += _check_peers(ingress.from_ or [], at.child("from"))
    for i, egress in enumerate(spec.egress or ()):
        at = _SPEC.child("egress").index(i)
        errors += _check_ports(egress.ports or [], at.child("ports"))
        errors += _check_peers(egress.to or [], at.child("to"))
    types, at = spec.policyTypes or [], _SPEC.child("policyTypes")
    if len(types) > len(_TYPES):
        return [*errors, field.invalid(at, types, "may not specify more than two policyTypes")]
    return errors + [field.not_supported(at.index(i), t, _TYPES) for i, t in enumerate(types) if t not in _TYPES]


def _check_ports(ports: list[NetworkPolicyPort], path: Path) -> Errors:
    return [e for i, port in enumerate(ports) for e in _check_port(port, path.index(i))]


def _check_port(port: NetworkPolicyPort, path: Path) -> Errors:
    errors: Errors = []
    if port.protocol and port.protocol not in PROTOCOLS:
        errors.append(field.not_supported(path.child("protocol"), port.protocol, PROTOCOLS))
    at, end = path.child("endPort"), port.endPort
    if port.port is None:
        detail = "may not be specified when `port` is not specified"
        return [*errors, field.invalid(at, end, detail)] if end is not None else errors
    if isinstance(port.port, str):
        if end is not None:
            errors.append(field.invalid(at, end, "may not be specified when `port` is non-numeric"))
        return errors + field.all_invalid(path.child("port"), port.port, names.port_name(port.port))
    errors += field.all_invalid(path.child("port"), port.port, names.port_number(port.port))
    if end is not None:
        if end < port.port:
            errors.append(field.invalid(at, end, "must be greater than or equal to `port`"))
        errors += field.all_invalid(at, end, names.port_number(end))
    return errors


def _check_peers(peers: list[NetworkPolicyPeer], path: Path) -> Errors:
    errors: Errors = []
    for i, peer in enumerate(peers):
        at = path.index(i)
        given = [n for n in ("podSelector", "namespaceSelector", "ipBlock") if getattr(peer, n) is not None]
        errors += label_selector.check(peer.podSelector, at.child("podSelector"))
        errors += label_selector.check(peer.namespaceSelector, at.child("namespaceSelector"))
        if peer.ipBlock is not None:
            errors += _check_block(peer.ipBlock, at.child("ipBlock"))
        if not given:
            errors.append(field.required(at, "must specify a peer"))
        elif len(given) > 1 and peer.ipBlock is not None:
            errors.append(field.forbidden(at, "may not specify both ipBlock and another peer"))
    return errors


def _check_block(block: IPBlock, path: Path) -> Errors:
    at = path.child("cidr")
    if not block.cidr:
        return [field.required(at)]
    errors = field.all_invalid(at, block.cidr, names.cidr(block.cidr))
    if errors:
        return errors
    network = ipaddress.ip_network(block.cidr)
    for i, text in enumerate(block.except_ or ()):
        where = path.child("except").index(i)
        wrong = names.cidr(text)
        errors += field.all_invalid(where, text, wrong)
        if not wrong and not _inside(ipaddress.ip_network(text), network):
            errors.append(field.invalid(where, text, "must be a strict subset of `cidr`"))
    return errors


def _inside(
    inner: ipaddress.IPv4Network | ipaddress.IPv6Network, outer: ipaddress.IPv4Network | ipaddress.IPv6Network
) -> bool:
    return inner.version == outer.version and inner.prefixlen > outer.prefixlen and inner.network_address in outer


def warnings(policy: NetworkPolicy) -> list[str]:
    """Ranges that are written in an unusual way."""
    peers = [
        (peer, _SPEC.child(direction).index(i).child(side).index(j))
        for direction, side, name in (("ingress", "from", "from_"), ("egress", "to", "to"))
        for i, rule in enumerate(getattr(policy.spec, direction) or ())
        for j, peer in enumerate(getattr(rule, name) or ())
    ]
    return [w for peer, at in peers if peer.ipBlock is not None for w in _of_block(peer.ipBlock, at.child("ipBlock"))]


def _of_block(block: IPBlock, path: Path) -> list[str]:
    excepted = path.child("except")
    found = cidr_warnings(path.child("cidr"), block.cidr)
    return found + [w for i, cidr in enumerate(block.except_ or ()) for w in cidr_warnings(excepted.index(i), cidr)]
