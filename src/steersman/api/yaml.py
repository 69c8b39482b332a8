"""YAML bodies and files to JSON values and back; the only importer of PyYAML.

Scalars are read as Kubernetes' tools read them (so `1:30` and `2001-01-01` are strings, `0755` and `yes` are not), keys
become strings, a repeated key is an error, and a document that aliases blow up is refused.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from steersman.api.patch import copy_json

MAX_VALUES = 131_072
MAX_DEPTH = 200
UNMARSHAL_ERRORS = "yaml: unmarshal errors:"

_BOOLS = {
    **dict.fromkeys(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
}
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER = re.compile(r"[-+]?(?:0x[0-9a-fA-F_]+|0o?[0-7_]+|0b[01_]+|[0-9][0-9_]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


_STRING, _BINARY = "tag:yaml.org,2002:str", "tag:yaml.org,2002:binary"


class YAMLError(ValueError):
    """Text that is no YAML, or YAML that is no JSON value."""


def load(text: str | bytes, *, duplicates: list[str] | None = None) -> Any:
    """The value of the one document in `text` (None for an empty text). Raises YAMLError.

    With `duplicates`, a message about every repeated key is appended to it (`line 3: key "a" already set in map`) and the
    last one counts.
    """
    documents = list(_documents(text, duplicates))
    if len(documents) > 1:
        raise YAMLError("expected a single document in the stream, but found another document")
    return documents[0] if documents else None


def load_all(text: str | bytes) -> list[Any]:
    """The values of all documents that are not empty. Raises YAMLError."""
    return [value for value in _documents(text, None) if value is not None]


def dump(value: Any) -> str:
    """The value as block style YAML, members in their order. `load` gives it back: text that is read otherwise is quoted."""
    text: str = yaml.dump(
        value, Dumper=_Quoting, sort_keys=False, default_flow_style=False, allow_unicode=True, width=4096
    )
    return text


def _documents(text: str | bytes, duplicates: list[str] | None) -> Iterator[Any]:
    try:
        loader = _Loader(text)
    except (yaml.YAMLError, UnicodeError) as e:
        raise _error(_explain(e)) from e
    try:
        loader.get_event()  # the stream's start
        while not loader.check_event(yaml.StreamEndEvent):
            loader.get_event()  # the document's start
            yield _Reader(loader, duplicates).read()
            loader.get_event()
    except (yaml.YAMLError, UnicodeError, binascii.Error) as e:
        raise _error(_explain(e)) from e
    finally:
        loader.dispose()


def _error(message: str) -> YAMLError:
    return YAMLError(f"error converting YAML to JSON: {message}")


def _explain(error: Exception) -> str:
    """`yaml: line 3: mapping values are not allowed here`, as Kubernetes' tools put it."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"yaml: line {error.problem_mark.line + 1}: {error.problem or error.context}"
    return f"yaml: {str(error).splitlines()[0]}"


class _Reader:
    """Makes the value of one document from the parser's events.

    Not from PyYAML's nodes: its composer has no bound on depth. Values are counted, because aliases can multiply.
    """

    def __init__(self, events: Any, duplicates: list[str] | None) -> None:
        self._events = events
        self._duplicates = duplicates
        self._count = 0
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._depth = 0

    def read(self) -> Any:
        return self._value(self._events.get_event())

    def _value(self, event: Any) -> Any:
        before = self._count
        self._add(1)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
        else:
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise _error("yaml: exceeded max depth")
            value = self._list() if isinstance(event, yaml.SequenceStartEvent) else self._map()
            self._depth -= 1
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._count - before)
        return value

    def _add(self, values: int) -> None:
        self._count += values
        if self._count > MAX_VALUES:
            raise _error("yaml: document contains excessive aliasing")

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            # Known only once complete: an alias inside its own anchor ends here too.
            raise _error(f"yaml: unknown anchor '{event.anchor}' referenced")
        value, size = self._anchors[event.anchor]
        self._add(size)
        return copy_json(value)

    def _list(self) -> list[Any]:
        out: list[Any] = []
        while not isinstance(event := self._events.get_event(), yaml.SequenceEndEvent):
            out.append(self._value(event))
        return out

    def _map(self) -> dict[str, Any]:
        out: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := self._events.get_event(), yaml.MappingEndEvent):
            if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
                merged |= _merged(self._value(self._events.get_event()))
                continue
            key = _key(event, self._value(event))
            if key in out:
                self._repeated(f'line {event.start_mark.line + 1}: key "{key}" already set in map')
            out[key] = self._value(self._events.get_event())
        return merged | out

    def _repeated(self, message: str) -> None:
        if self._duplicates is None:
            raise _error(f"yaml: {message}")
        self._duplicates.append(message)


def unmarshal_errors(duplicates: list[str]) -> str:
    """What `load` found repeated, as one error of strict decoding."""
    return "\n  ".join((UNMARSHAL_ERRORS, *duplicates))


def _merged(value: Any) -> dict[str, Any]:
    """What a merge key (`<<`) brings: a map, or several of which the first wins."""
    sources = value if isinstance(value, list) else [value]
    out: dict[str, Any] = {}
    for source in reversed(sources):
        if not isinstance(source, dict):
            raise _error("yaml: map merge requires map or sequence of maps as the value")
        out |= source
    return out


def _key(event: Any, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, dict | list):
        raise _error(f"yaml: line {event.start_mark.line + 1}: a map's key must be a scalar and not null")
    return str(value)


def _scalar(event: Any) -> Any:
    if event.tag in (None, "!"):
        return _resolved(event.value) if event.implicit[0] else event.value
    if event.tag == _STRING:
        return event.value
    if event.tag == _BINARY:
        return base64.b64decode(event.value, validate=True).decode(errors="replace")
    return _resolved(event.value)


def _resolved(text: str) -> Any:
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INTEGER.fullmatch(text) and any(c.isdigit() for c in text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if math.isinf(value):
            raise _error(f"json: unsupported value: {text}")
        return value
    if text.lstrip("+-").lower() in (".inf", ".nan"):
        raise _error(f"json: unsupported value: {text}")
    return text


def _is_text(scalar: str) -> bool:
    """Whether this is read as what it is without quotes."""
    try:
        return _resolved(scalar) is scalar
    except YAMLError:
        return False


def _quoted(dumper: Any, scalar: str) -> Any:
    # PyYAML takes other texts for numbers than Kubernetes' tools do: it would leave `08` and `1e3` without quotes.
    return dumper.represent_scalar(_STRING, scalar, style=None if _is_text(scalar) else "'")


_Quoting: Any = type("_Quoting", (_Dumper,), {})
_Quoting.add_representer(str, _quoted)


def _integer(text: str) -> Any:
    digits = text.replace("_", "")
    sign, digits = (-1, digits[1:]) if digits[0] == "-" else (1, digits.removeprefix("+"))
    if len(digits) > 400:
        return text
    if digits[:2] in ("0x", "0b", "0o"):
        return sign * int(digits, 0)
    if len(digits) > 1 and digits[0] == "0":
        return sign * int(digits, 8) if all(c in "01234567" for c in digits) else float(text)
    return sign * int(digits)
