"""Named formats: `format.dns1123Label().validate(text)` and its kin."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Sequence
from datetime import date

from steersman.api import names
from steersman.cel.costs import REGEX, TRAVERSAL, Cost
from steersman.cel.errors import EvalError
from steersman.cel.functions import Library, Overload, function, method
from steersman.cel.library.conversion import parse_time
from steersman.cel.library.url import Url
from steersman.cel.types import LIST_OF_STRING, STRING, opaque, optional_of
from steersman.cel.values import NONE, Opaque, Optional, Value, size_of

FORMAT_TYPE = opaque("kubernetes.NamedFormat")
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_MAX_REGEX = 128


class Format(Opaque):
    """A format, with the messages it has for a text and the size of the pattern it is charged as."""

    __slots__ = ("check", "name", "pattern_size")
    cel_type = FORMAT_TYPE

    def __init__(self, name: str, pattern_size: int, check: Callable[[str], Sequence[str]]) -> None:
        self.name = name
        self.pattern_size = pattern_size
        self.check = check

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Format) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


def _uri(text: str) -> list[str]:
    try:
        Url(text)
    except EvalError as err:
        return [str(err).removeprefix("URL parse error during conversion from string: ")]
    return []


def _byte(text: str) -> list[str]:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ["invalid base64"]
    return []


def _date(text: str) -> list[str]:
    try:
        date.fromisoformat(text)
    except ValueError:
        return ["invalid date"]
    return [] if len(text) == 10 else ["invalid date"]


def _datetime(text: str) -> list[str]:
    try:
        parse_time(text)
    except EvalError:
        return ["invalid datetime"]
    return []


def _uuid(text: str) -> list[str]:
    return [] if _UUID.fullmatch(text) else ["does not match the UUID format"]


FORMATS: dict[str, Format] = {
    name: Format(name, size, check)
    for name, size, check in (
        ("dns1123Label", 30, names.dns1123_label),
        ("dns1123Subdomain", 60, names.dns1123_subdomain),
        ("dns1035Label", 30, names.dns1035_label),
        ("qualifiedName", 60, names.qualified_name),
        ("dns1123LabelPrefix", 30, names.generated(names.dns1123_label)),
        ("dns1123SubdomainPrefix", 60, names.generated(names.dns1123_subdomain)),
        ("dns1035LabelPrefix", 30, names.generated(names.dns1035_label)),
        ("labelValue", 40, names.label_value),
        ("uri", 1000, _uri),
        ("uuid", 80, _uuid),
        ("byte", 80, _byte),
        ("date", 100, _date),
        ("datetime", 100, _datetime),
    )
}


def _validate(chosen: Format, text: str) -> Optional:
    found = list(chosen.check(text))
    return Optional(found) if found else NONE


def _named(name: str) -> Optional:
    return Optional(FORMATS[name]) if name in FORMATS else NONE


def _constant(chosen: Format) -> Callable[[], Value]:
    return lambda: chosen


def _charge(args: Sequence[Value]) -> int:
    return math.ceil((1 + size_of(args[1])) * TRAVERSAL) * math.ceil(int(args[0].pattern_size) * REGEX)


_VALIDATE = Cost(_charge, lambda args: (args[1].size.by(TRAVERSAL).by(_MAX_REGEX * REGEX), None))


def _constants() -> list[Overload]:
    return [
        function(f"format.{name}", f"format.{name}", (), FORMAT_TYPE, _constant(chosen))
        for name, chosen in FORMATS.items()
    ]


LIBRARY = Library(
    "kubernetes.format",
    [
        *_constants(),
        function("format.named", "format-named", (STRING,), optional_of(FORMAT_TYPE), _named),
        method("validate", "format-validate", (FORMAT_TYPE, STRING), optional_of(LIST_OF_STRING), _validate, _VALIDATE),
    ],
)
