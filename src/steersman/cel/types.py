"""Static types: what a declaration promises about a value, and how a message names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

UNBOUNDED = 2**63 - 1
"""The size of what has no declared maximum."""
_SIZED = frozenset(["list", "map", "string", "bytes", "dyn"])


class Type:
    """A type, compared by its structure. Lists, maps, optionals and `type` have parameters, objects have fields.

    What takes no part in equality: `max_elements`, the largest size a schema allows (characters, items or entries), and
    `prepare`, which turns data as it is stored into values of the type, None where they are the same.
    """

    __slots__ = (
        "_key",
        "closed",
        "fields",
        "hash_",
        "kind",
        "max_elements",
        "name",
        "open",
        "params",
        "plain",
        "prepare",
        "simple",
    )

    def __init__(
        self,
        kind: str,
        name: str,
        params: tuple[Type, ...] = (),
        *,
        fields: Mapping[str, Field] | None = None,
        open_fields: bool = False,
        max_elements: int | None = None,
        prepare: Callable[[Any], Any] | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.params = params
        self.fields = {} if fields is None else fields
        self.open = open_fields
        sized = UNBOUNDED if kind in _SIZED else 0
        self.max_elements = sized if max_elements is None else max_elements
        self.prepare = prepare
        self._key = (kind, name, params)
        self.hash_ = hash(self._key)
        self.closed: bool = kind != "param" and all(param.closed for param in params)
        """Whether there is no type parameter in it."""
        self.simple: bool = kind not in ("param", "object") and all(param.simple for param in params)
        """Whether its name says all there is to it."""
        self.plain: bool = kind not in ("param", "dyn", "error") and all(param.plain for param in params)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Type) and self.hash_ == other.hash_ and self._key == other._key)

    def __hash__(self) -> int:
        return self.hash_

    def __repr__(self) -> str:
        return f"Type({self})"

    def __str__(self) -> str:
        if self.kind == "list":
            return f"list({self.params[0]})"
        if self.kind == "map":
            return f"map({self.params[0]}, {self.params[1]})"
        if self.kind in ("type", "opaque") and self.params:
            return f"{self.name}({', '.join(str(param) for param in self.params)})"
        return self.name


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object type; `wire` is its name in the data where the expression spells it escaped."""

    type: Type
    wire: str


BOOL = Type("bool", "bool")
INT = Type("int", "int")
UINT = Type("uint", "uint")
DOUBLE = Type("double", "double")
STRING = Type("string", "string")
BYTES = Type("bytes", "bytes")
NULL = Type("null", "null")
DYN = Type("dyn", "dyn")
ERROR = Type("error", "!error!")
TIMESTAMP = Type("timestamp", "timestamp")
DURATION = Type("duration", "duration")
TYPE = Type("type", "type")
PARAM_A, PARAM_B = Type("param", "A"), Type("param", "B")

_NAMED_TIMESTAMP, _NAMED_DURATION = "google.protobuf.Timestamp", "google.protobuf.Duration"


def list_of(element: Type, max_elements: int = UNBOUNDED) -> Type:
    """list(element)"""
    return Type("list", "list", (element,), max_elements=max_elements)


def map_of(key: Type, value: Type, max_elements: int = UNBOUNDED) -> Type:
    """map(key, value)"""
    return Type("map", "map", (key, value), max_elements=max_elements)


def optional_of(value: Type) -> Type:
    """optional_type(value)"""
    return Type("opaque", "optional_type", (value,))


def type_of_type(value: Type) -> Type:
    """type(value)"""
    return Type("type", "type", (value,))


def object_of(name: str, fields: Mapping[str, Field]) -> Type:
    """An object with these fields, keyed by the name an expression uses."""
    return Type("object", name, fields=fields)


def opaque(name: str) -> Type:
    """A type whose values only functions can look into, such as a quantity."""
    return Type("opaque", name)


def is_optional(t: Type) -> bool:
    return t.kind == "opaque" and t.name == "optional_type"


def unwrap_optional(t: Type) -> Type:
    """The type inside an optional, or the type itself."""
    return t.params[0] if is_optional(t) else t


LIST_OF_A = list_of(PARAM_A)
MAP_OF_AB = map_of(PARAM_A, PARAM_B)
OPTIONAL_OF_A = optional_of(PARAM_A)
LIST_OF_STRING = list_of(STRING)

NAMED_TYPES: dict[str, Type] = {
    "bool": BOOL,
    "int": INT,
    "uint": UINT,
    "double": DOUBLE,
    "string": STRING,
    "bytes": BYTES,
    "null_type": NULL,
    "list": list_of(DYN),
    "map": map_of(DYN, DYN),
    "type": TYPE,
    "dyn": DYN,
    "optional_type": optional_of(DYN),
    "net.IP": opaque("net.IP"),
    "net.CIDR": opaque("net.CIDR"),
    "google.protobuf.Timestamp": TIMESTAMP,
    "google.protobuf.Duration": DURATION,
}
"""The identifiers that stand for types, as in `type(x) == int`."""


def type_name(t: Type) -> str:
    """The name of a type as a value: "google.protobuf.Timestamp" where messages say "timestamp"."""
    return {"timestamp": _NAMED_TIMESTAMP, "duration": _NAMED_DURATION, "null": "null_type"}.get(t.kind, t.name)
