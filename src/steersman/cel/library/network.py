"""IP addresses and CIDR blocks."""

from __future__ import annotations

import ipaddress
import re

from steersman.cel.costs import Cost, Range, fixed, laborious, traverse
from steersman.cel.errors import EvalError
from steersman.cel.functions import Library, function, method
from steersman.cel.types import BOOL, INT, STRING, opaque
from steersman.cel.values import Opaque

IP_TYPE, CIDR_TYPE = opaque("net.IP"), opaque("net.CIDR")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_V4 = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}", re.ASCII)
_LENGTH = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)


class Ip(Opaque):
    """An address."""

    __slots__ = ("address",)
    cel_type = IP_TYPE

    def __init__(self, address: Address) -> None:
        self.address = address

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ip) and self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    def __len__(self) -> int:
        return len(self.address.packed)


class Cidr(Opaque):
    """An address with the length of its network's prefix."""

    __slots__ = ("address", "length")
    cel_type = CIDR_TYPE

    def __init__(self, address: Address, length: int) -> None:
        self.address = address
        self.length = length

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cidr) and (self.address, self.length) == (other.address, other.length)

    def __hash__(self) -> int:
        return hash((self.address, self.length))

    def __len__(self) -> int:
        return -(-self.length // 8)

    def holds(self, address: Address) -> bool:
        if address.version != self.address.version:
            return False
        shift = address.max_prefixlen - self.length
        return int(address) >> shift == int(self.address) >> shift


def parse_ip(text: str) -> Ip:
    """An address without a zone, and no IPv4 address in IPv6's clothes. Raises EvalError."""
    if "%" in text:
        raise EvalError(f'IP address "{text}" with zone value is not allowed')
    if ":" not in text and _V4.fullmatch(text) is None:
        raise EvalError(f'IP Address "{text[:100]}" parse error during conversion from string: unable to parse IP')
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        why = "unable to parse IP"
        raise EvalError(f'IP Address "{text[:100]}" parse error during conversion from string: {why}') from None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        raise EvalError(f'IPv4-mapped IPv6 address "{text}" is not allowed')
    return Ip(address)


def parse_cidr(text: str) -> Cidr:
    """An address and a prefix length; bits beyond the prefix may be set. Raises EvalError."""
    host, slash, length = text.partition("/")
    try:
        if not slash or _LENGTH.fullmatch(length) is None:
            raise EvalError("no prefix length")
        address = parse_ip(host).address
    except EvalError:
        why = f'netip.ParsePrefix("{text[:100]}")'
        raise EvalError(f"network address parse error during conversion from string: {why}") from None
    if int(length) > address.max_prefixlen:
        raise EvalError(
            f'network address parse error during conversion from string: prefix length out of range: "{text}"'
        )
    return Cidr(address, int(length))


def _accepts_ip(text: str) -> bool:
    try:
        parse_ip(text)
    except EvalError:
        return False
    return True


def _accepts_cidr(text: str) -> bool:
    try:
        parse_cidr(text)
    except EvalError:
        return False
    return True


def _is_canonical(text: str) -> bool:
    return str(parse_ip(text).address) == text


def _is_global_unicast(ip: Ip) -> bool:
    a = ip.address
    broadcast = a.version == 4 and int(a) == 2**32 - 1
    return not (a.is_unspecified or a.is_loopback or a.is_multicast or a.is_link_local or broadcast)


def _is_link_local_multicast(ip: Ip) -> bool:
    packed = ip.address.packed
    if ip.address.version == 4:
        return packed[:3] == b"\xe0\x00\x00"
    return packed[0] == 0xFF and packed[1] & 0x0F == 2


def _contains_cidr(block: Cidr, other: Cidr) -> bool:
    return block.length <= other.length and block.holds(other.address)


def _masked(block: Cidr) -> Cidr:
    shift = block.address.max_prefixlen - block.length
    return Cidr(type(block.address)(int(block.address) >> shift << shift), block.length)


def _text(block: Cidr) -> str:
    return f"{block.address}/{block.length}"


_TRAVERSE, _TWICE = laborious(20, traverse()), laborious(20, traverse(factor=0.2))
_BLOCK = Range(4, 16)


def _contains_cost(parsed: bool, masked: bool) -> Cost:
    """Twice the block's bytes, the text that must be parsed first, and for a block its bytes once more and one."""

    def charge(args: tuple[Cidr, str]) -> int:
        size = len(args[0])
        return -(-2 * size // 10) + (-(-size // 10) + 1 if masked else 0) + (-(-len(args[1]) // 10) if parsed else 0)

    bounds = _BLOCK.plus(_BLOCK).by(0.1)
    if masked:
        bounds = bounds.plus(_BLOCK.by(0.1)).plus(fixed(1))
    return Cost(
        charge,  # type: ignore[arg-type]
        lambda args: (bounds.plus(args[1].size.by(0.1)) if parsed else bounds, None),
    )


LIBRARY = Library(
    "kubernetes.net",
    [
        function("ip", "string_to_ip", (STRING,), IP_TYPE, parse_ip, _TRAVERSE),
        function("isIP", "is_ip", (STRING,), BOOL, _accepts_ip, _TRAVERSE),
        function("ip.isCanonical", "ip_is_canonical", (STRING,), BOOL, _is_canonical, _TWICE),
        function("string", "ip_to_string", (IP_TYPE,), STRING, lambda ip: str(ip.address)),
        method("family", "ip_family", (IP_TYPE,), INT, lambda ip: ip.address.version),
        method("isUnspecified", "ip_is_unspecified", (IP_TYPE,), BOOL, lambda ip: ip.address.is_unspecified),
        method("isLoopback", "ip_is_loopback", (IP_TYPE,), BOOL, lambda ip: ip.address.is_loopback),
        method("isLinkLocalMulticast", "ip_is_link_local_multicast", (IP_TYPE,), BOOL, _is_link_local_multicast),
        method("isLinkLocalUnicast", "ip_is_link_local_unicast", (IP_TYPE,), BOOL, lambda ip: ip.address.is_link_local),
        method("isGlobalUnicast", "ip_is_global_unicast", (IP_TYPE,), BOOL, _is_global_unicast),
        function("cidr", "string_to_cidr", (STRING,), CIDR_TYPE, parse_cidr, _TRAVERSE),
        function("isCIDR", "is_cidr", (STRING,), BOOL, _accepts_cidr, _TRAVERSE),
        function("string", "cidr_to_string", (CIDR_TYPE,), STRING, _text),
        method("ip", "cidr_ip", (CIDR_TYPE,), IP_TYPE, lambda block: Ip(block.address)),
        method("prefixLength", "cidr_prefix_length", (CIDR_TYPE,), INT, lambda block: block.length),
        method("masked", "cidr_masked", (CIDR_TYPE,), CIDR_TYPE, _masked),
        method(
            "containsIP",
            "cidr_contains_ip_string",
            (CIDR_TYPE, STRING),
            BOOL,
            lambda block, text: block.holds(parse_ip(text).address),
            _contains_cost(parsed=True, masked=False),
        ),
        method(
            "containsIP",
            "cidr_contains_ip_ip",
            (CIDR_TYPE, IP_TYPE),
            BOOL,
            lambda block, ip: block.holds(ip.address),
            _contains_cost(parsed=False, masked=False),
        ),
        method(
            "containsCIDR",
            "cidr_contains_cidr_string",
            (CIDR_TYPE, STRING),
            BOOL,
            lambda block, text: _contains_cidr(block, parse_cidr(text)),
            _contains_cost(parsed=True, masked=True),
        ),
        method(
            "containsCIDR",
            "cidr_contains_cidr",
            (CIDR_TYPE, CIDR_TYPE),
            BOOL,
            _contains_cidr,
            _contains_cost(parsed=False, masked=True),
        ),
    ],
)
