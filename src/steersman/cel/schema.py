"""Types from OpenAPI structural schemas, with the names expressions use for their fields and the sizes they allow."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from steersman.cel.errors import EvalError
from steersman.cel.library.conversion import parse_date, parse_duration, parse_time
from steersman.cel.syntax import RESERVED
from steersman.cel.types import BOOL, INT, STRING, Field, Type, list_of, map_of, object_of
from steersman.cel.values import KeyedList, SetList, Value, fields_of, is_struct

Schema = Mapping[str, Any]
Prepare = Callable[[Any], Value]
MAX_REQUEST = 3 * 1024 * 1024
"""Bytes of the largest request, which bounds whatever a schema leaves unbounded."""

_KEY = Type("string", "string", max_elements=0)  # the API's estimates take keys for free
_RESERVED = RESERVED | {"true", "false", "null", "in"}
_SPECIAL = re.compile(r"__|[-./]")
_ESCAPED = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_NAME = re.compile(r"[A-Za-z_./-][A-Za-z0-9_./-]*", re.ASCII)
_MAX_FORMATTED = {"duration": 32, "date": 12, "date-time": 32}
_MIN_FORMATTED = {"duration": 3, "date": 12, "date-time": 21}
_MIN_SIZES = {"array": 2, "string": 2, "boolean": 4, "number": 1, "integer": 1}
_META: Schema = {
    "kind": {"type": "string"},
    "apiVersion": {"type": "string"},
    "metadata": {"type": "object", "properties": {"name": {"type": "string"}, "generateName": {"type": "string"}}},
}


def escape(name: str) -> str | None:
    """The name of a field as expressions spell it: "x-y" is "x__dash__y". None where it cannot be spelt."""
    if _NAME.fullmatch(name) is None:
        return None
    if name in _RESERVED:
        return f"__{name}__"
    return _SPECIAL.sub(lambda found: _ESCAPED[found.group()], name)


def schema_type(schema: Schema, name: str = "selfType", *, root: bool = False) -> Type | None:
    """The type of a structural schema, None for one whose data expressions cannot see.

    `root` adds what every object has (kind, apiVersion, metadata.name, metadata.generateName). Objects are named by
    their path from `name`.
    """
    if schema.get("x-kubernetes-int-or-string"):
        return Type("dyn", "dyn", max_elements=_text_size(schema))
    kind = schema.get("type")
    if kind == "array":
        return _array(schema, name)
    if kind == "object":
        return _object(schema, name, root or bool(schema.get("x-kubernetes-embedded-resource")))
    if kind == "string":
        return _string(schema)
    if kind == "number":
        return Type("double", "double", prepare=_as_double)
    return {"boolean": BOOL, "integer": INT}.get(str(kind))


def min_size(schema: Schema) -> int:
    """The fewest bytes that a value of the schema takes as JSON."""
    if schema.get("x-kubernetes-int-or-string"):
        return 1
    kind = schema.get("type")
    if kind == "string":
        return _MIN_FORMATTED.get(str(schema.get("format")), 2)
    if kind != "object" or isinstance(schema.get("additionalProperties"), Mapping):
        return _MIN_SIZES.get(str(kind), 2)
    required = set(schema.get("required") or ())
    properties: Mapping[str, Schema] = schema.get("properties") or {}
    return 2 + sum(
        len(name) + min_size(inner) + 4
        for name, inner in properties.items()
        if name in required and inner.get("default") is None
    )


def max_cardinality(schema: Schema) -> int:
    """How many values of the schema one request can hold at most."""
    return MAX_REQUEST // (min_size(schema) + 1)


def _maximum(schema: Schema, key: str) -> int | None:
    limit = schema.get(key)
    return None if limit is None else max(int(limit), 0)


def _text_size(schema: Schema) -> int:
    limit = _maximum(schema, "maxLength")
    if limit is not None:
        return limit * 4
    texts = [len(value.encode()) for value in schema.get("enum") or () if isinstance(value, str)]
    if schema.get("enum") and not schema.get("x-kubernetes-int-or-string"):
        return max(texts, default=0)
    return _MAX_FORMATTED.get(str(schema.get("format")), MAX_REQUEST - 2)


def _string(schema: Schema) -> Type:
    form = str(schema.get("format"))
    if form == "byte":
        limit = _maximum(schema, "maxLength")
        return Type("bytes", "bytes", max_elements=MAX_REQUEST - 2 if limit is None else limit, prepare=_as_bytes)
    if form == "duration":
        return Type("duration", "duration", max_elements=_MAX_FORMATTED[form], prepare=_lenient(parse_duration))
    if form in ("date", "date-time"):
        parse = parse_date if form == "date" else parse_time
        return Type("timestamp", "timestamp", max_elements=_MAX_FORMATTED[form], prepare=_lenient(parse))
    return Type("string", STRING.name, max_elements=_text_size(schema))


def _array(schema: Schema, name: str) -> Type | None:
    items = schema.get("items")
    element = schema_type(items, f"{name}.@idx") if items else None
    if items is None or element is None:
        return None
    limit = _maximum(schema, "maxItems")
    most = (MAX_REQUEST - 2) // (min_size(items) + 1) if limit is None else limit
    made = list_of(element, most)
    made.prepare = _prepare_list(element.prepare, schema)
    return made


def _object(schema: Schema, name: str, root: bool) -> Type | None:
    values = schema.get("additionalProperties")
    if isinstance(values, Mapping):
        element = schema_type(values, f"{name}.@elem")
        if element is None:
            return None
        limit = _maximum(schema, "maxProperties")
        most = (MAX_REQUEST - 2) // (min_size(values) + 6) if limit is None else limit
        made = map_of(_KEY, element, most)
        made.prepare = _prepare_map(element.prepare)
        return made
    properties: dict[str, Schema] = dict(schema.get("properties") or {})
    if root and not _has_meta(properties):
        properties |= _META
    fields: dict[str, Field] = {}
    for wire, inner in properties.items():
        spelt = escape(wire)
        found = schema_type(inner, f"{name}.{wire}")
        if spelt is None or found is None:
            continue
        fields[spelt] = Field(found, wire)
        if wire in _RESERVED:
            fields[wire] = fields[spelt]  # `self.namespace` is `self.__namespace__`
    made = object_of(name, fields)
    made.prepare = _prepare_object(fields)
    return made


def _has_meta(properties: Mapping[str, Schema]) -> bool:
    """Whether a schema says itself what every object has."""
    named: Mapping[str, Schema] = properties.get("metadata", {}).get("properties") or {}
    texts = (properties.get("kind"), properties.get("apiVersion"), named.get("name"), named.get("generateName"))
    return all(text is not None and text.get("type") == "string" for text in texts)


# -- data to values ------------------------------------------------------------------------------------------------


def _lenient(parse: Callable[[str], Value]) -> Prepare:
    """A text that does not parse stays a text: the format is the validation's to refuse."""

    def prepare(raw: Any) -> Value:
        if not isinstance(raw, str):
            return raw
        try:
            return parse(raw)
        except EvalError:
            return raw

    return prepare


def _as_double(raw: Any) -> Value:
    return float(raw) if type(raw) is int else raw


def _as_bytes(raw: Any) -> Value:
    if not isinstance(raw, str):
        return raw
    try:
        return base64.b64decode(raw)
    except (binascii.Error, ValueError):
        return raw


def _prepare_list(item: Prepare | None, schema: Schema) -> Prepare | None:
    kind = schema.get("x-kubernetes-list-type")
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
    if item is None and kind not in ("set", "map"):
        return None

    def prepare(raw: Any) -> Value:
        if not isinstance(raw, list):
            return raw
        items = raw if item is None else [item(value) for value in raw]
        if kind == "set":
            return SetList(items)
        return KeyedList(items, keys) if kind == "map" else items

    return prepare


def _prepare_map(value: Prepare | None) -> Prepare | None:
    if value is None:
        return None
    return lambda raw: {key: value(held) for key, held in raw.items()} if isinstance(raw, dict) else raw


def _prepare_object(fields: Mapping[str, Field]) -> Prepare | None:
    changing = [(field.wire, field.type.prepare) for field in fields.values() if field.type.prepare is not None]
    if not changing:
        return None

    def prepare(raw: Any) -> Value:
        if is_struct(raw):
            raw = fields_of(raw)
        if not isinstance(raw, dict):
            return raw
        made = raw
        for wire, change in changing:
            if wire in raw and (value := change(raw[wire])) is not raw[wire]:
                made = dict(raw) if made is raw else made
                made[wire] = value
        return made

    return prepare
