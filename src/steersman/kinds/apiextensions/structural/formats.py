"""The string formats that schemas may ask for, each a plain check. Unknown formats ask for nothing."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date
from email.utils import parseaddr
from urllib.parse import urlsplit

Check = Callable[[str], bool]


def normalized(name: str) -> str:
    """`date-time` and `datetime` are the same."""
    return name.replace("-", "")


def find(name: str) -> Check | None:
    """The check of a format of strings; None for an unknown one."""
    return _FORMATS.get(normalized(name))


def recognized(type_: str, name: str) -> bool:
    """Whether a format means something for values of this type."""
    if type_ in ("", "string"):
        return find(name) is not None
    return (type_, name) in _NUMERIC


_NUMERIC = frozenset({("integer", "int32"), ("integer", "int64"), ("number", "float"), ("number", "double")})


def _matches(pattern: str) -> Check:
    found = re.compile(pattern)
    return lambda text: found.fullmatch(text) is not None


def _date(text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))")


def _date_time(text: str) -> bool:
    parts = text.lower().split("t")
    if len(parts) < 2 or not _date(parts[0]):
        return False
    found = _TIME.fullmatch(parts[1])
    return found is not None and found[1] <= "23" and found[2] <= "59" and found[3] <= "59"


# Nothing in these may be read in two ways: texts are as long as clients like, and all others wait meanwhile.
_GO_DURATION = re.compile(r"[-+]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)")
_LOOSE_UNIT = re.compile(r"\d\s*([A-Za-zµ]+)")
_UNITS = (
    ("ns", "nano"), ("us", "µs", "micro"), ("ms", "milli"), ("s", "sec"), ("m", "min"), ("h", "hr", "hour"), ("d", "day"),
    ("w", "wk", "week"),
)  # fmt: skip


def _duration(text: str) -> bool:
    if _GO_DURATION.fullmatch(text):
        return True
    units = [unit.lower() for unit in _LOOSE_UNIT.findall(text)]
    return any(unit in names or unit.startswith(names[-1]) for unit in units for names in _UNITS)


def _uri(text: str) -> bool:
    """An absolute URI or an absolute path, as a request line may have it."""
    if not text or any(ord(c) <= 0x20 or c == "\x7f" for c in text):
        return False
    if re.search(r"%(?![0-9a-fA-F]{2})", text):
        return False
    if text.startswith("/"):
        return True
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return bool(parts.scheme) and re.fullmatch(r"[a-zA-Z][a-zA-Z0-9+.-]*", parts.scheme) is not None


def _email(text: str) -> bool:
    _, address = parseaddr(text)
    local, at, domain = address.rpartition("@")
    return bool(local and at and domain) and " " not in address and not domain.startswith(".")


_HOST_CHARACTER = r"[^\W_]|[\u2000-\uffff]|[\U00010000-\U0010ffff]"
_HOST_LABEL = re.compile(rf"(?:{_HOST_CHARACTER})(?:(?:{_HOST_CHARACTER}|-)*(?:{_HOST_CHARACTER}))?")


def _hostname(text: str) -> bool:
    labels = text.split(".")
    if len(text.encode()) > 255 or not all(len(p) <= 63 and _HOST_LABEL.fullmatch(p) for p in labels):
        return False
    return len(labels) == 1 or (len(labels[-1]) >= 2 and labels[-1].isalpha())


def _address(version: int) -> Check:
    def check(text: str) -> bool:
        try:
            found = ipaddress.ip_address(_unpadded(text))
        except ValueError:
            return False
        mapped = found.version == 6 and "." in text
        return "%" not in text and ("." in text if version == 4 else found.version == 6 or mapped)

    return check


def _unpadded(text: str) -> str:
    """Leading zeros in a part of an IPv4 address are put up with."""
    return re.sub(r"(?<![0-9a-fA-F:])0+(?=\d{1,3}(?:\.|/|$))", "", text) if "." in text else text


def _cidr(text: str) -> bool:
    address, slash, length = text.partition("/")
    if not slash or not re.fullmatch(r"\d{1,3}", length, re.ASCII):
        return False
    try:
        found = ipaddress.ip_address(_unpadded(address))
    except ValueError:
        return False
    return "%" not in address and int(length) <= found.max_prefixlen


_MAC = _matches(
    "|".join(rf"(?:{h}{sep}){{{n}}}{h}" for h, sep, n in (
        ("[0-9a-fA-F]{2}", "[:-]", 5), ("[0-9a-fA-F]{2}", "[:-]", 7), ("[0-9a-fA-F]{2}", "[:-]", 19),
        ("[0-9a-fA-F]{4}", r"\.", 2), ("[0-9a-fA-F]{4}", r"\.", 3), ("[0-9a-fA-F]{4}", r"\.", 9),
    ))
)  # fmt: skip


def _mac(text: str) -> bool:
    return _MAC(text) and not (":" in text and "-" in text)


def _digits(text: str) -> list[int]:
    return [10 if c in "xX" else int(c) for c in text if c.isdigit() or c in "xX"]


def _isbn10(text: str) -> bool:
    bare = re.sub(r"[\s-]+", "", text)
    if not re.fullmatch(r"[0-9]{9}[0-9X]", bare):
        return False
    return sum((i + 1) * d for i, d in enumerate(_digits(bare))) % 11 == 0


def _isbn13(text: str) -> bool:
    bare = re.sub(r"[\s-]+", "", text)
    if not re.fullmatch(r"[0-9]{13}", bare):
        return False
    return sum(d * (3 if i % 2 else 1) for i, d in enumerate(_digits(bare))) % 10 == 0


_CARD = _matches(
    r"4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}"
    r"|(?:2131|1800|35\d{3})\d{11}"
)


def _card(text: str) -> bool:
    bare = re.sub(r"[^0-9]+", "", text)
    if not _CARD(bare):
        return False
    doubled = [(d * 2 - 9 if d > 4 else d * 2) if i % 2 else d for i, d in enumerate(reversed(_digits(bare)))]
    return sum(doubled) % 10 == 0


def _base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(text)


def _rgb(text: str) -> bool:
    found = re.fullmatch(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)", text, re.ASCII)
    return found is not None and all(int(n) <= 255 for n in found.groups())


def _uuid(third: str = "[0-9a-f]{4}", fourth: str = "[0-9a-f]{4}") -> Check:
    return _matches(f"(?i:[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{third}-?{fourth}-?[0-9a-f]{{12}})")


_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SHORT = _matches(_LABEL)
_LONG = _matches(rf"{_LABEL}(\.{_LABEL})*")

_FORMATS: Mapping[str, Check] = {
    "bsonobjectid": _matches("[0-9a-fA-F]{24}"),
    "uri": _uri,
    "email": _email,
    "hostname": _hostname,
    "ipv4": _address(4),
    "ipv6": _address(6),
    "cidr": _cidr,
    "mac": _mac,
    "uuid": _uuid(),
    "uuid3": _uuid("3[0-9a-f]{3}"),
    "uuid4": _uuid("4[0-9a-f]{3}", "[89ab][0-9a-f]{3}"),
    "uuid5": _uuid("5[0-9a-f]{3}", "[89ab][0-9a-f]{3}"),
    "isbn": lambda text: _isbn10(text) or _isbn13(text),
    "isbn10": _isbn10,
    "isbn13": _isbn13,
    "creditcard": _card,
    "ssn": _matches(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "hexcolor": _matches("#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "rgbcolor": _rgb,
    "byte": _base64,
    "password": lambda text: True,
    "date": _date,
    "duration": _duration,
    "datetime": _date_time,
    "k8sshortname": lambda text: len(text) <= 63 and _SHORT(text),
    "k8slongname": lambda text: len(text) <= 253 and _LONG(text),
}
