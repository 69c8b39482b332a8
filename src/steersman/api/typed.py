"""What values may be, for whoever must know how they merge: the schema of a type as a graph of nodes.

Nodes are made from Structs here (`schema_of`); whoever has another description of a type, a custom resource's schema for
instance, makes the same nodes from it. Values are plain: dicts, lists and scalars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

from steersman.api import fieldset, shape
from steersman.api.schema import ListInfo
from steersman.api.shape import Choice, Leaf, ListOf, MapOf, ObjectOf, Shape

ScalarKind = Literal["", "string", "numeric", "boolean", "untyped"]


class TypedError(ValueError):
    """A value that does not fit its schema: messages, each with its path in front."""

    def __init__(self, messages: list[str]) -> None:
        self.messages = messages
        super().__init__(messages[0] if len(messages) == 1 else "\n  ".join(["errors:", *messages]))


@dataclass(slots=True, eq=False)
class Node:
    """A value that is a scalar, a list or a map; a value of unknown type may be any of them."""

    scalar: ScalarKind = ""
    list: ListType | None = None
    map: MapType | None = None

    @property
    def is_scalar(self) -> bool:
        """Whether the value is a scalar and nothing else."""
        return bool(self.scalar) and self.list is None and self.map is None


@dataclass(slots=True, eq=False)
class ListType:
    """A list. Atomic: owned and replaced whole. Otherwise its items have identities: the values of `keys`, or (a set, without
    keys) themselves. `defaults` are the values of keys that an item leaves out."""

    item: Node
    atomic: bool = True
    keys: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def element(self, item: Any) -> str:
        """The path element of an item. TypedError for one that has no identity."""
        keys = self.keys
        if not keys:
            if isinstance(item, dict | list) or item is None:
                raise TypedError([_no_set_item(item)])
            return fieldset.value(item)
        if not isinstance(item, dict):
            what = "a null element" if item is None else "non-map elements"
            raise TypedError([f"associative list with keys may not have {what}"])
        if len(keys) == 1 and keys[0] in item:
            only = item[keys[0]]
            if isinstance(only, str | int):
                return fieldset.scalar_key(keys, only)
        return self._compound(item)

    def _compound(self, item: dict[str, Any]) -> str:
        values = {n: item.get(n, self.defaults.get(n)) for n in self.keys if n in item or n in self.defaults}
        if not values:
            names = " ".join(f'"{k}"' for k in self.keys)
            raise TypedError(
                [
                    f"associative list with keys has an element that omits all key fields [{names}] "
                    "(and doesn't have default values for any key fields)"
                ]
            )
        if any(isinstance(v, dict | list) for v in values.values()):
            return fieldset.key(values)
        return fieldset.scalar_key(tuple(values), *values.values())


def _no_set_item(item: Any) -> str:
    if isinstance(item, dict):
        return "associative list without keys has an element that's a map type"
    if isinstance(item, list):
        return "not supported: associative list with lists as elements"
    return "associative list without keys has an element that's an explicit null"


@dataclass(slots=True, eq=False)
class MapType:
    """A struct (`fields`), a map (`element`: the type of every other key), or both. Atomic: owned and replaced whole."""

    fields: dict[str, FieldType] = field(default_factory=dict)
    element: Node | None = None
    atomic: bool = False

    def child(self, name: str) -> Node | None:
        """The schema below a name; None when there is no such field."""
        found = self.fields.get(name)
        return found.node if found is not None else self.element


@dataclass(slots=True, eq=False)
class FieldType:
    """A named field: the path element that leads to it, and its schema; `plain` when that is only a scalar."""

    element: str
    node: Node
    plain: bool


def field_type(name: str, node: Node) -> FieldType:
    return FieldType(fieldset.field(name), node, node.is_scalar)


DEDUCED = Node("untyped")
"""A value of unknown type: its maps are granular, its lists atomic, however deep."""
DEDUCED.list = ListType(DEDUCED)
DEDUCED.map = MapType(element=DEDUCED)

_STRING, _NUMERIC, _BOOLEAN, _UNTYPED = Node("string"), Node("numeric"), Node("boolean"), Node("untyped")
_LEAVES: dict[Leaf, Node] = {
    Leaf.STRING: _STRING,
    Leaf.BYTES: _STRING,
    Leaf.INT32: _NUMERIC,
    Leaf.INT64: _NUMERIC,
    Leaf.FLOAT: _NUMERIC,
    Leaf.BOOL: _BOOLEAN,
    Leaf.INT_OR_STRING: _UNTYPED,
    Leaf.QUANTITY: _UNTYPED,
    Leaf.TIME: _UNTYPED,
    Leaf.MICRO_TIME: _UNTYPED,
    Leaf.ANY: DEDUCED,
}
_PLAIN = ListInfo()
_ATOMIC = "atomic"
_structs: dict[tuple[type[Struct], bool], Node] = {}


def schema_of(cls: type[Struct]) -> Node:
    """The schema of a Struct type, made once."""
    return _struct(cls, getattr(cls, "__atomic__", False))


def _struct(cls: type[Struct], atomic: bool) -> Node:
    known = _structs.get((cls, atomic))
    if known is not None:
        return known
    fields: dict[str, FieldType] = {}
    # Known before its fields are, because types contain themselves.
    node = _structs[(cls, atomic)] = Node(map=MapType(fields, atomic=atomic))
    merge: Mapping[str, ListInfo] = getattr(cls, "__merge__", {})
    for name, found in shape.fields(cls).items():
        fields[name] = field_type(name, _node(found.shape, merge.get(name, _PLAIN)))
    return node


def _node(of: Shape, info: ListInfo) -> Node:
    if isinstance(of, Leaf):
        return _LEAVES[of]
    if isinstance(of, ListOf):
        return Node(list=_list(of, info))
    if isinstance(of, MapOf):
        return Node(map=MapType(element=_node(of.value, _PLAIN), atomic=info.list_type == _ATOMIC))
    if isinstance(of, Choice):
        # The API describes a choice as a value of any type.
        return DEDUCED
    atomic = info.list_type == _ATOMIC or (not info.list_type and getattr(of.type, "__atomic__", False))
    return _struct(of.type, atomic)


def _list(of: ListOf, info: ListInfo) -> ListType:
    item = _node(of.item, _PLAIN)
    keys = info.map_keys
    if not info.list_type and "merge" in info.patch_strategy.split(","):
        # Older types say only how a patch merges them.
        keys = (info.merge_key,) if info.merge_key else ()
        return ListType(item, False, keys, _defaults(of, keys))
    if info.list_type == "map" and keys:
        return ListType(item, False, keys, _defaults(of, keys))
    return ListType(item, info.list_type != "set")


def _defaults(of: ListOf, keys: tuple[str, ...]) -> Mapping[str, Any]:
    known: Mapping[str, str] = getattr(of.item.type, "__key_defaults__", {}) if isinstance(of.item, ObjectOf) else {}
    return {k: known[k] for k in keys if k in known}
