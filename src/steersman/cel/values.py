"""Run-time values that plain Python lacks: unsigned integers, instants, durations, optionals, and CEL's type of a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steersman.cel.errors import NO_OVERLOAD, EvalError
from steersman.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    TYPE,
    UINT,
    Type,
    list_of,
    map_of,
    optional_of,
)

Value = Any
"""A run-time value: JSON-like data, or one of the classes below."""

MAX_INT, MIN_INT, MAX_UINT = 2**63 - 1, -(2**63), 2**64 - 1
NANO = 10**9
MIN_TIME, MAX_TIME = -62135596800 * NANO, 253402300799 * NANO + NANO - 1
"""The first and the last instant, in nanoseconds since 1970: years 1 and 9999."""


class Uint(int):
    """An unsigned 64-bit integer."""

    __slots__ = ()


class _Nanos:
    """A count of nanoseconds with a meaning; the subclass says which."""

    __slots__ = ("nanos",)

    def __init__(self, nanos: int) -> None:
        self.nanos = nanos

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.nanos == other.nanos

    def __lt__(self, other: _Nanos) -> bool:
        return self.nanos < other.nanos

    def __le__(self, other: _Nanos) -> bool:
        return self.nanos <= other.nanos

    def __gt__(self, other: _Nanos) -> bool:
        return self.nanos > other.nanos

    def __ge__(self, other: _Nanos) -> bool:
        return self.nanos >= other.nanos

    def __hash__(self) -> int:
        return hash((type(self), self.nanos))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.nanos})"


class Timestamp(_Nanos):
    """An instant: nanoseconds since 1970 in UTC. `offset` (seconds east) is the zone it was written in."""

    __slots__ = ("offset",)

    def __init__(self, nanos: int, offset: int = 0) -> None:
        super().__init__(nanos)
        self.offset = offset


class Duration(_Nanos):
    """A length of time in nanoseconds."""

    __slots__ = ()


class Optional:
    """A value that may be absent; `NONE` is the absent one."""

    __slots__ = ("present", "value")

    def __init__(self, value: Value, present: bool = True) -> None:
        self.value = value
        self.present = present

    def __repr__(self) -> str:
        return f"optional.of({self.value!r})" if self.present else "optional.none()"


NONE = Optional(None, present=False)


class Opaque:
    """Base of the values only functions look into; a subclass sets `cel_type` and defines equality."""

    __slots__ = ()
    cel_type: Type = DYN


class SetList(list[Any]):
    """A list whose schema says it is a set: equality and concatenation ignore order and duplicates."""

    __slots__ = ()


class KeyedList(list[Any]):
    """A list whose schema says it is a map by some fields of its items: concatenation replaces items of equal keys."""

    __slots__ = ("keys",)

    def __init__(self, items: list[Any], keys: tuple[str, ...]) -> None:
        super().__init__(items)
        self.keys = keys


class ObjectValue(dict[str, Any]):
    """An object that a literal such as `Object.spec{…}` has made; `name` is that of its type."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


LIST_TYPES = (list, SetList, KeyedList)
_LIST, _MAP, _OPTIONAL = list_of(DYN), map_of(DYN, DYN), optional_of(DYN)
_BY_CLASS: dict[type, Type] = {
    bool: BOOL,
    int: INT,
    Uint: UINT,
    float: DOUBLE,
    str: STRING,
    bytes: BYTES,
    type(None): NULL,
    list: _LIST,
    SetList: _LIST,
    KeyedList: _LIST,
    dict: _MAP,
    Timestamp: TIMESTAMP,
    Duration: DURATION,
    Optional: _OPTIONAL,
    Type: TYPE,
}


def type_of(value: Value) -> Type:
    """The run-time type of a value; objects of any class are maps, as their JSON is."""
    found = _BY_CLASS.get(type(value))
    if found is not None:
        return found
    return value.cel_type if isinstance(value, Opaque) else _MAP


def size_of(value: Value) -> int:
    """The size by which an operation on the value is charged: its length, and 1 for what has none."""
    kind = type(value)
    if kind is Optional:
        return size_of(value.value) if value.present else 1
    try:
        return len(value)
    except TypeError:
        return len(fields_of(value)) if is_struct(value) else 1


def is_struct(value: Value) -> bool:
    """Whether a value is an object of a class with declared fields, as the API's types are."""
    return hasattr(type(value), "__struct_fields__")


_ATTRIBUTES: dict[type, dict[str, tuple[str, Any]]] = {}
_ABSENT = object()


def _attributes(kind: type) -> dict[str, tuple[str, Any]]:
    """Wire name to attribute and default of a class with declared fields."""
    found = _ATTRIBUTES.get(kind)
    if found is None:
        names: tuple[str, ...] = kind.__struct_fields__  # type: ignore[attr-defined]
        wires: tuple[str, ...] = kind.__struct_encode_fields__  # type: ignore[attr-defined]
        defaults: tuple[Any, ...] = kind.__struct_defaults__  # type: ignore[attr-defined]
        padded = (_ABSENT,) * (len(names) - len(defaults)) + defaults
        found = {wire: (name, default) for name, wire, default in zip(names, wires, padded, strict=True)}
        _ATTRIBUTES[kind] = found
    return found


def _absent(value: Any, default: Any) -> bool:
    """Whether a field is left out on the wire: it is null or has its default."""
    return value is None or (type(value) is type(default) and bool(value == default))


def fields_of(value: Value) -> dict[str, Value]:
    """The fields an object of a declared class has on the wire, as a new dict; nested objects stay as they are."""
    return {
        wire: got
        for wire, (name, default) in _attributes(type(value)).items()
        if not _absent(got := getattr(value, name), default)
    }


def select(target: Value, name: str) -> Value:
    """`target.name`. Raises EvalError where there is no such key, or the target has no fields."""
    kind = type(target)
    if kind is dict:
        if name in target:
            return target[name]
        raise EvalError(f"no such key: {name}")
    if hasattr(kind, "__struct_fields__"):
        found = _attributes(kind).get(name)
        if found is not None and not _absent(got := getattr(target, found[0]), found[1]):
            return got
        raise EvalError(f"no such key: {name}")
    if isinstance(target, Mapping):
        try:
            return target[name]
        except KeyError:
            raise EvalError(f"no such key: {name}") from None
    raise EvalError(NO_OVERLOAD)


def has(target: Value, name: str) -> bool:
    """`has(target.name)`."""
    kind = type(target)
    if kind is dict:
        return name in target
    if hasattr(kind, "__struct_fields__"):
        found = _attributes(kind).get(name)
        return found is not None and not _absent(getattr(target, found[0]), found[1])
    if isinstance(target, Mapping):
        return name in target
    raise EvalError(NO_OVERLOAD)


def is_map(value: Value) -> bool:
    """Whether a value has entries: a dict, a mapping or an object of a declared class."""
    return type(value) is dict or isinstance(value, Mapping) or is_struct(value)


def entries(value: Value) -> Mapping[Any, Value]:
    """The entries of a map or an object."""
    return fields_of(value) if is_struct(value) else value


def display(key: Value) -> str:
    """A value as error texts write it."""
    if type(key) is bool:
        return "true" if key else "false"
    return str(key)
