"""The formats of names and other short texts; each check returns what is wrong, in Kubernetes' words, or nothing."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Final

from steersman.api.memo import short

Messages = Sequence[str]
Check = Callable[[str], Messages]

_OK: Final[Messages] = ()

LABEL_MAX: Final = 63
SUBDOMAIN_MAX: Final = 253

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_WILDCARD = rf"\*\.{_SUBDOMAIN}"
_KEY_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_KEY_NAME})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_C_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_PERCENT = "[0-9]+%"
_HEADER = "[-A-Za-z0-9]+"
_CONDITION_REASON = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"
_HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


def _full(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern, re.ASCII).fullmatch


_is_label = _full(_LABEL)
_is_subdomain = _full(_SUBDOMAIN)
_is_label_1035 = _full(_LABEL_1035)
_is_wildcard = _full(_WILDCARD)
_is_key_name = _full(_KEY_NAME)
_is_label_value = _full(_LABEL_VALUE)
_is_config_key = _full(_CONFIG_KEY)
_is_c_identifier = _full(_C_IDENTIFIER)
_is_percent = _full(_PERCENT)
_is_header = _full(_HEADER)
_is_condition_reason = _full(_CONDITION_REASON)
_is_http_path = _full(_HTTP_PATH)
_is_port_charset = _full("[-a-z0-9]+")
_has_letter = re.compile("[a-z]").search

_LINK_LOCAL_MULTICAST = (ipaddress.ip_network("224.0.0.0/24"), ipaddress.ip_network("ff02::/16"))

_KEY_NAME_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)


def max_length(limit: int, unit: str = "characters") -> str:
    return f"must be no more than {limit} {unit}"


def regex_error(rule: str, pattern: str, *examples: str) -> str:
    """What a text must look like, examples, and the pattern."""
    if not examples:
        return f"{rule} (regex used for validation is '{pattern}')"
    shown = " or ".join(f"'{e}', " for e in examples)
    return f"{rule} (e.g. {shown}regex used for validation is '{pattern}')"


def range_error(low: int, high: int) -> str:
    return f"must be between {low} and {high}, inclusive"


def dns1123_label(text: str) -> Messages:
    if len(text) <= LABEL_MAX and _is_label(text):
        return _OK
    out: list[str] = []
    if len(text) > LABEL_MAX:
        out.append(max_length(LABEL_MAX))
    if not _is_label(text):
        if _is_subdomain(text):
            out.append("must not contain dots")
        else:
            rule = (
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
                "and must start and end with an alphanumeric character"
            )
            out.append(regex_error(rule, _LABEL, "my-name", "123-abc"))
    return out


def dns1123_subdomain(text: str) -> Messages:
    if len(text) <= SUBDOMAIN_MAX and _is_subdomain(text):
        return _OK
    out: list[str] = []
    if len(text) > SUBDOMAIN_MAX:
        out.append(max_length(SUBDOMAIN_MAX))
    if not _is_subdomain(text):
        rule = (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
            "and must start and end with an alphanumeric character"
        )
        out.append(regex_error(rule, _SUBDOMAIN, "example.com"))
    return out


def dns1035_label(text: str) -> Messages:
    out: list[str] = []
    if len(text) > LABEL_MAX:
        out.append(max_length(LABEL_MAX))
    if not _is_label_1035(text):
        rule = (
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
            "start with an alphabetic character, and end with an alphanumeric character"
        )
        out.append(regex_error(rule, _LABEL_1035, "my-name", "abc-123"))
    return out


def wildcard_subdomain(text: str) -> Messages:
    out: list[str] = []
    if len(text) > SUBDOMAIN_MAX:
        out.append(max_length(SUBDOMAIN_MAX))
    if not _is_wildcard(text):
        rule = (
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must "
            "consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
        )
        out.append(regex_error(rule, _WILDCARD, "*.example.com"))
    return out


def generated(check: Check) -> Check:
    """The check of a name's beginning, to which a generated ending will be added."""

    def check_prefix(prefix: str) -> Messages:
        if len(prefix) > 1 and prefix.endswith("-"):
            prefix = prefix[:-2] + "a"
        return check(prefix)

    return check_prefix


@short(1024, 320)
def qualified_name(text: str) -> Messages:
    """A label key: a name with an optional DNS prefix and slash."""
    prefix, slash, name = text.rpartition("/")
    if "/" in prefix:
        rule = regex_error(_KEY_NAME_RULE, _KEY_NAME, "MyName", "my.name", "123-abc")
        return (f"a valid label key {rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",)
    out: list[str] = []
    if slash and not prefix:
        out.append("prefix part must be non-empty")
    elif slash:
        out.extend(f"prefix part {message}" for message in dns1123_subdomain(prefix))
    if not name:
        out.append("name part must be non-empty")
    elif len(name) > LABEL_MAX:
        out.append(f"name part {max_length(LABEL_MAX, 'bytes')}")
    if not _is_key_name(name):
        out.append("name part " + regex_error(_KEY_NAME_RULE, _KEY_NAME, "MyName", "my.name", "123-abc"))
    return tuple(out)


@short(1024, 320)
def label_value(text: str) -> Messages:
    out: list[str] = []
    if len(text.encode()) > LABEL_MAX:
        out.append(max_length(LABEL_MAX, "bytes"))
    if not _is_label_value(text):
        rule = f"a valid label must be an empty string or {_KEY_NAME_RULE[5:]}"
        out.append(regex_error(rule, _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return tuple(out)


def path_segment(text: str) -> Messages:
    """A name that can stand in a URL, the weakest rule for object names."""
    if text in (".", ".."):
        return (f"may not be '{text}'",)
    return [f"may not contain '{c}'" for c in "/%" if c in text]


def config_map_key(text: str) -> Messages:
    out: list[str] = []
    if len(text) > SUBDOMAIN_MAX:
        out.append(max_length(SUBDOMAIN_MAX))
    if not _is_config_key(text):
        rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        out.append(regex_error(rule, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    if text in (".", ".."):
        out.append(f"must not be '{text}'")
    elif text.startswith(".."):
        out.append("must not start with '..'")
    return out


def env_name(text: str) -> Messages:
    """An environment variable's name: printable ASCII without '='."""
    if not text:
        return ("environment variable name must be non-empty",)
    if not all(" " <= c <= "~" and c != "=" for c in text):
        return ("a valid environment variable name must consist only of printable ASCII characters other than '='",)
    return _OK


def c_identifier(text: str) -> Messages:
    if _is_c_identifier(text):
        return _OK
    rule = (
        "a valid C identifier must start with alphabetic character or '_', "
        "followed by a string of alphanumeric characters or '_'"
    )
    return (regex_error(rule, _C_IDENTIFIER, "my_name", "MY_NAME", "MyName"),)


def port_name(text: str) -> Messages:
    """A container's or service's port name (IANA service name)."""
    out: list[str] = []
    if len(text) > 15:
        out.append(max_length(15))
    if not _is_port_charset(text):
        out.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not _has_letter(text):
        out.append("must contain at least one letter (a-z)")
    if "--" in text:
        out.append("must not contain consecutive hyphens")
    if text and "-" in (text[0], text[-1]):
        out.append("must not begin or end with a hyphen")
    return out


def port_number(port: int) -> Messages:
    return _OK if 1 <= port <= 65535 else (range_error(1, 65535),)


def user_or_group_id(number: int) -> Messages:
    return _OK if 0 <= number <= 2**31 - 1 else (range_error(0, 2**31 - 1),)


def percent(text: str) -> Messages:
    if _is_percent(text):
        return _OK
    rule = "a valid percent string must be a numeric string followed by an ending '%'"
    return (regex_error(rule, _PERCENT, "1%", "93%"),)


def http_header(text: str) -> Messages:
    if _is_header(text):
        return _OK
    rule = "a valid HTTP header must consist of alphanumeric characters or '-'"
    return (regex_error(rule, _HEADER, "X-Header-Name"),)


def condition_reason(text: str) -> Messages:
    if _is_condition_reason(text):
        return _OK
    rule = (
        "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
        "characters or '_,:', and must end with an alphanumeric character or '_'"
    )
    examples = ("my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB")
    return (regex_error(rule, _CONDITION_REASON, *examples),)


def domain_prefixed_path(text: str) -> Messages:
    """A path such as acme.io/foo."""
    host, slash, path = text.partition("/")
    if not slash or not host or not path:
        return ('must be a domain-prefixed path (such as "acme.io/foo")',)
    out = list(dns1123_subdomain(host))
    if not _is_http_path(path):
        out.append(regex_error("Invalid path", _HTTP_PATH))
    return out


def ip(text: str) -> Messages:
    """An IPv4 or IPv6 address without leading zeros and not an IPv4 address in IPv6 clothes."""
    parsed = _address(text)
    if parsed is None:
        if _with_leading_zeros(text) is not None:
            return ("must not have leading 0s",)
        return ("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return ("must not be an IPv4-mapped IPv6 address",)
    return _OK


def loose_ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a text has always stood for, leading zeros or not; None for anything else."""
    return _address(text) or _with_leading_zeros(text)


def canonical_ip(text: str) -> Messages:
    """An address written the one usual way (for API fields that are newer)."""
    wrong = ip(text)
    if wrong:
        return wrong
    usual = str(_address(text))
    return _OK if text == usual else (f'must be in canonical form ("{usual}")',)


def ordinary_ip(text: str) -> Messages:
    """What keeps a valid address from being one that services and endpoints may have."""
    address = loose_ip(text)
    if address is None:
        return _OK
    if address.is_unspecified:
        return (f"may not be unspecified ({text})",)
    if address.is_loopback:
        return ("may not be in the loopback range (127.0.0.0/8, ::1/128)",)
    if address.is_link_local:
        return ("may not be in the link-local range (169.254.0.0/16, fe80::/10)",)
    if any(address in network for network in _LINK_LOCAL_MULTICAST if network.version == address.version):
        return ("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",)
    return _OK


def cidr(text: str) -> Messages:
    """An address range whose address has no bits beyond the prefix."""
    address, slash, length = text.partition("/")
    if not slash or not length.isascii() or not length.isdigit() or _network(text) is None:
        if slash and _network(f"{_without_leading_zeros(address)}/{length.lstrip('0') or '0'}") is not None:
            return ("must not have leading 0s in IP or prefix length",)
        return ("must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",)
    if length != str(int(length)):
        return ("must not have leading 0s in IP or prefix length",)
    network, parsed = _network(text), _address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return ("must not have an IPv4-mapped IPv6 address",)
    if network is not None and parsed != network.network_address:
        return ("must not have bits set beyond the prefix length",)
    return _OK


def canonical_cidr(text: str) -> Messages:
    """An address range written the one usual way (for API fields that are newer)."""
    wrong = cidr(text)
    if wrong:
        return wrong
    usual = str(_network(text))
    return _OK if text == usual else (f'must be in canonical form ("{usual}")',)


def ip_family(text: str) -> str:
    """ "IPv4" or "IPv6" for a valid address, "" for anything else."""
    parsed = _address(text)
    return f"IPv{parsed.version}" if parsed is not None else ""


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if "%" in text:
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _with_leading_zeros(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address of a text that is none as it stands."""
    shorter = _without_leading_zeros(text)
    return None if shorter == text else _address(shorter)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if "%" in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _without_leading_zeros(text: str) -> str:
    return ".".join(part.lstrip("0") or "0" if part.isdigit() else part for part in text.split("."))
