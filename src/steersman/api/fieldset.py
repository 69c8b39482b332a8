"""Sets of field paths in the form in which managedFields are written (FieldsV1), and the algebra on them.

A set is a dict of path elements: `f:<name>` is a field, `k:{…}` the list item with these key values, `v:<value>` an item of
a set and `i:<index>` one by position. An element that leads to an empty dict is a member of the set; one that leads to a
dict with further elements is a parent of members, and a member itself only if the dict has `.`. Sets are never changed
once made, so they may share parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from steersman.api.memo import short

FieldSet = dict[str, Any]
Path = tuple[str, ...]
"""The elements from the object down to a field, as they are written in a set."""

SELF = "."
LEAF: FieldSet = {}
"""What a member without members below it leads to, and the empty set. Shared by everybody: never to be changed."""

_MARKED: FieldSet = {SELF: LEAF}
# Go's encoder writes these as escapes, so that JSON can stand in HTML.
_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_KINDS = "fkvi"
# A longer text is not remembered.
_LONGEST = 256


class FieldSetError(ValueError):
    """Text or JSON that is no set of fields."""


# Elements


def field(name: str) -> str:
    """The element of a field or of a key of a map."""
    return "f:" + name


def index(position: int) -> str:
    """The element of an item of a list whose items have no identity."""
    return f"i:{position}"


def value(item: Any) -> str:
    """The element of an item (a scalar) of a list that is a set."""
    return "v:" + _json(item) if type(item) is str and len(item) > _LONGEST else _value(item)


@lru_cache(maxsize=1024, typed=True)
def _value(item: Any) -> str:
    return "v:" + _json(item)


def key(values: Mapping[str, Any]) -> str:
    """The element of the list item that these fields (scalars, as a rule) identify."""
    names = sorted(values)
    return "k:{" + ",".join(f"{_json(n)}:{_json(values[n])}" for n in names) + "}"


def scalar_key(names: tuple[str, ...], *items: Any) -> str:
    """`key` for hashable values of these fields; remembers what it has made, unless that is long."""
    for item in items:
        if type(item) is str and len(item) > _LONGEST:
            return key(dict(zip(names, items, strict=True)))
    return _scalar_key(names, *items)


@lru_cache(maxsize=1024, typed=True)
def _scalar_key(names: tuple[str, ...], *items: Any) -> str:
    return key(dict(zip(names, items, strict=True)))


def _json(item: Any) -> str:
    if isinstance(item, float) and item.is_integer():
        item = int(item)
    return msgspec.json.encode(item).decode().translate(_HTML)


def canonical(element: str) -> str:
    """The one spelling of an element that a client has written. Raises FieldSetError; "" for a kind not known here."""
    if len(element) < 2:
        raise FieldSetError("key must be 2 characters long:")
    if element[1] != ":":
        raise FieldSetError(f"missing colon: {element}")
    kind, text = element[0], element[2:]
    if kind == "f":
        return element
    if kind not in _KINDS:
        return ""
    if kind == "i":
        try:
            return index(int(text))
        except ValueError as error:
            raise FieldSetError(f'strconv.Atoi: parsing "{text}": invalid syntax') from error
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise FieldSetError(f"{element}: {error}") from error
    if kind == "v":
        return "v:" + _json(found)
    if not isinstance(found, dict):
        raise FieldSetError(f"{element}: expected an object")
    return key(found)


@short(1024)
def _order(element: str) -> tuple[Any, ...]:
    """Where an element stands among its siblings: fields, then keys, values and positions, each by its contents."""
    kind, text = element[0], element[2:]
    if kind == "f":
        return (0, text)
    if kind == "k":
        return (1, tuple((n, _rank(v)) for n, v in sorted(json.loads(text).items())))
    if kind == "v":
        return (2, _rank(json.loads(text)))
    return (3, int(text))


def _rank(item: Any) -> tuple[int, Any]:
    if isinstance(item, bool):
        return (2, item)
    if isinstance(item, int | float):
        return (0, item)
    if isinstance(item, str):
        return (1, item)
    return (3, json.dumps(item))


def describe(path: Sequence[str]) -> str:
    """The path as messages show it: `.spec.containers[name="web"].image`."""
    return "".join(map(describe_element, path))


def describe_element(element: str) -> str:
    kind, text = element[0], element[2:]
    if kind == "f":
        return "." + text
    if kind == "k":
        return "[" + ",".join(f"{n}={_show(v)}" for n, v in json.loads(text).items()) + "]"
    if kind == "v":
        return f"[={_show(json.loads(text))}]"
    return f"[{text}]"


def _show(item: Any) -> str:
    return json.dumps(item, ensure_ascii=False) if item is not None else "null"


# Sets from and to other forms


def parse(fields: Any) -> FieldSet:
    """The set that a client has written as FieldsV1, in its one spelling. Raises FieldSetError."""
    if not isinstance(fields, dict):
        raise FieldSetError("expected an object")
    node = _parse(fields)
    return _without_self(node)


def _parse(fields: Any) -> FieldSet:
    out: FieldSet = {}
    if not isinstance(fields, dict):
        return out
    for element, below in fields.items():
        if element == SELF:
            out[SELF] = LEAF
            continue
        spelled = canonical(element)
        if spelled:
            node = _parse(below)
            out[spelled] = _union(out[spelled], node) if spelled in out else node
    return LEAF if len(out) == 1 and SELF in out else out


def from_paths(members: Iterable[Path]) -> FieldSet:
    """The set with these members."""
    out: FieldSet = {}
    for path in members:
        out = union(out, at(path))
    return out


def at(path: Sequence[str], below: FieldSet = LEAF) -> FieldSet:
    """The set with one member; or, with `below`, these elements under the path."""
    for element in reversed(path):
        below = {element: below}
    return below


def paths(fields: FieldSet) -> Iterator[Path]:
    """Every member; parents before what is below them."""
    for element, below in fields.items():
        if element == SELF:
            continue
        if is_member(below):
            yield (element,)
        for rest in paths(below):
            yield (element, *rest)


def ordered(fields: FieldSet) -> FieldSet:
    """The same set, with elements in the order in which they are written."""
    return {e: ordered(b) if b else LEAF for e, b in sort_elements(fields).items()}


def sort_elements(node: FieldSet) -> FieldSet:
    """The node with its own elements in order; those of fields are sorted by name, whatever else by what it means."""
    if len(node) < 2:
        return node
    names = [e for e in node if e != SELF]
    names.sort(key=None if names[0][0] == "f" else _order)
    out = {SELF: LEAF} if SELF in node else {}
    for name in names:
        out[name] = node[name]
    return out


# Membership and algebra


def is_member(node: FieldSet) -> bool:
    """Whether the element that leads to this node is a member."""
    return not node or SELF in node


def as_member(node: FieldSet) -> FieldSet:
    """The node, with the element that leads to it made a member."""
    return {**_MARKED, **node} if node and SELF not in node else node


def has(fields: FieldSet, path: Sequence[str]) -> bool:
    """Whether the path is a member."""
    node: FieldSet | None = fields
    for element in path:
        node = node.get(element) if node else None
        if node is None:
            return False
    return bool(path) and is_member(node or LEAF)


def _without_self(node: FieldSet) -> FieldSet:
    if SELF not in node:
        return node
    return {e: b for e, b in node.items() if e != SELF}


def union(a: FieldSet, b: FieldSet) -> FieldSet:
    """The members of either."""
    if not a or not b:
        return a or b
    return _union(a, b, top=True)


def _union(a: FieldSet, b: FieldSet, *, top: bool = False) -> FieldSet:
    if a is b:
        return a
    member = not top and (is_member(a) or is_member(b))
    out: FieldSet = {SELF: LEAF} if member else {}
    out.update(a)
    for element, below in b.items():
        mine = out.get(element)
        out[element] = below if mine is None else _union(mine, below)
    return LEAF if len(out) == 1 and member else out


def difference(a: FieldSet, b: FieldSet) -> FieldSet:
    """The members of `a` that are not members of `b`."""
    if not a or not b:
        return a
    return _children(a, b, _difference)


def _difference(a: FieldSet, b: FieldSet) -> FieldSet | None:
    member = is_member(a) and not is_member(b)
    return _node(member, _children(a, b, _difference))


def recursive_difference(a: FieldSet, b: FieldSet) -> FieldSet:
    """The members of `a` that are neither members of `b` nor below one."""
    if not a or not b:
        return a
    return _children(a, b, _recursive)


def _recursive(a: FieldSet, b: FieldSet) -> FieldSet | None:
    if is_member(b):
        return None
    return _node(is_member(a), _children(a, b, _recursive))


def _children(a: FieldSet, b: FieldSet, subtract: Any) -> FieldSet:
    out: FieldSet = {}
    for element, below in a.items():
        if element == SELF:
            continue
        taken = b.get(element)
        left = below if taken is None else subtract(below, taken)
        if left is not None:
            out[element] = left
    return out


def _node(member: bool, children: FieldSet) -> FieldSet | None:
    if not children:
        return LEAF if member else None
    return {SELF: LEAF, **children} if member else children


def intersection(a: FieldSet, b: FieldSet) -> FieldSet:
    """The members of both."""
    out: FieldSet = {}
    for element, below in a.items():
        other = b.get(element)
        if other is None or element == SELF:
            continue
        common = _node(is_member(below) and is_member(other), intersection(below, other))
        if common is not None:
            out[element] = common
    return out
