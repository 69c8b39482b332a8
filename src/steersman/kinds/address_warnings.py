"""What whoever writes an address or a range in an unusual way is told, in fields that have always allowed it."""

from __future__ import annotations

import ipaddress

from steersman.api import names
from steersman.api.field import Path, quote

_MAPPED_BITS = 96


def ip_warnings(path: Path, text: str) -> list[str]:
    """For an address; of what is none validation speaks."""
    address = names.loose_ip(text)
    if address is None:
        return []
    usual = _usual(address)
    if names.ip(text):
        return [f"{path}: non-standard IP address {quote(text)} is invalid: use {quote(usual)}"]
    if address.version == 6 and usual != text:
        return [f"{path}: IPv6 address {quote(text)} should be in RFC 5952 canonical format ({quote(usual)})"]
    return []


def cidr_warnings(path: Path, text: str) -> list[str]:
    """For a range of addresses."""
    start, _, length = text.partition("/")
    address = names.loose_ip(start)
    if address is None or not (length.isascii() and length.isdigit()) or int(length) > address.max_prefixlen:
        return []
    network = ipaddress.ip_network((address, int(length)), strict=False)
    usual = _usual_range(network)
    warnings: list[str] = []
    if address != network.network_address:
        alone = f"{_usual(address)}/{address.max_prefixlen}"
        detail = f"is ambiguous in this context (should be {quote(usual)} or {quote(alone)}?)"
        warnings.append(f"{path}: CIDR value {quote(text)} {detail}")
    if names.ip(start) or length != str(int(length)):
        warnings.append(f"{path}: non-standard CIDR value {quote(text)} is invalid: use {quote(usual)}")
    if not warnings and address.version == 6 and usual != text:
        warnings.append(
            f"{path}: IPv6 CIDR value {quote(text)} should be in RFC 5952 canonical format ({quote(usual)})"
        )
    return warnings


def _usual(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """An IPv4 address is written as one, whatever it was dressed in."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(address if mapped is None else mapped)


def _usual_range(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    usual = _usual(network.network_address)
    return (
        str(network) if ":" in usual or network.version == 4 else f"{usual}/{max(network.prefixlen - _MAPPED_BITS, 0)}"
    )
