"""Walks of plain values along their schema: which fields a value has, how two values differ, and what is wrong with one.

The sets come out in the order in which they are written, if the fields of structs come in it (those of Structs do).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from steersman.api import fieldset
from steersman.api.fieldset import LEAF, SELF, FieldSet
from steersman.api.typed import ListType, MapType, Node, TypedError

# The fields of a value


def fields_of(node: Node, value: Any) -> FieldSet:
    """The fields that a configuration states: its leaves, list items and map keys, not the objects around them."""
    return _unmarked(_collect(node, value, False))


def added_fields(node: Node, value: Any) -> FieldSet:
    """The fields that come into being with a value: its leaves, and every object, list and map around them."""
    return _unmarked(_collect(node, value, True))


def _unmarked(found: FieldSet | None) -> FieldSet:
    if found is None:
        return LEAF
    if SELF in found:
        return {e: b for e, b in found.items() if e != SELF}
    return found


def _collect(node: Node, value: Any, mark: bool) -> FieldSet | None:
    """The node of a set for a value. `mark` makes objects, lists and maps members themselves."""
    if isinstance(value, dict):
        return _collect_map(node.map, value, mark)
    if isinstance(value, list):
        return _collect_list(node.list, value, mark)
    return LEAF


def _collect_map(of: MapType | None, value: dict[str, Any], mark: bool) -> FieldSet:
    if not value or of is None or of.atomic:
        return LEAF
    out: FieldSet = {SELF: LEAF} if mark else {}
    known = of.fields
    for name, item in value.items() if known else sorted(value.items()):
        found = known.get(name)
        if found is not None:
            if found.plain or item is None:
                out[found.element] = LEAF
                continue
            below = _collect(found.node, item, mark)
            if below is not None:
                out[found.element] = below
        elif of.element is not None:
            below = LEAF if item is None else _collect(of.element, item, mark)
            # Keys of maps belong to whoever has stated them, with whatever is below.
            out["f:" + name] = LEAF if below is None else fieldset.as_member(below)
    return out


def _collect_list(of: ListType | None, value: list[Any], mark: bool) -> FieldSet | None:
    if of is None or of.atomic:
        return LEAF
    if not value:
        return LEAF if mark else None
    out: FieldSet = {SELF: LEAF} if mark else {}
    for item in value:
        element = of.element(item)
        if element in out:
            # Items that share an identity are owned as one.
            out[element] = LEAF
            continue
        below = _collect(of.item, item, mark)
        out[element] = LEAF if below is None else fieldset.as_member(below)
    return fieldset.sort_elements(out) if len(value) > 1 else out


# How two values differ


class Comparison(NamedTuple):
    """The fields that are new or have another value, and those that are gone."""

    changed: FieldSet
    removed: FieldSet


_Difference = tuple[FieldSet | None, FieldSet | None]
_MODIFIED: _Difference = (LEAF, None)


def compare(node: Node, old: Any, new: Any) -> Comparison:
    """How `new` differs from `old`. Raises TypedError when items of a list have no identity."""
    if old == new:
        return Comparison(LEAF, LEAF)
    changed, removed = _compare(node, old, new)
    return Comparison(_unmarked(changed), _unmarked(removed))


def _compare(node: Node, old: Any, new: Any) -> _Difference:
    """The nodes for two different values that are both there."""
    old_map, new_map = isinstance(old, dict), isinstance(new, dict)
    if old_map and new_map:
        return _compare_maps(node.map, old, new)
    old_list, new_list = isinstance(old, list), isinstance(new, list)
    if old_list and new_list:
        return _compare_lists(node.list, old, new)
    if not (old_map or new_map or old_list or new_list) or not (old or new):
        return _MODIFIED
    return _compare_kinds(node, old, new)


def _compare_kinds(node: Node, old: Any, new: Any) -> _Difference:
    """One is a map, a list or null and the other is not: what was below is gone, what is below now is new."""
    gone = _below(node, old)
    fresh = _below(node, new)
    if fresh is None:
        fresh = LEAF if new is not None else None
    elif old is not None and not isinstance(old, dict | list):
        # A scalar that became a map: the field itself has another value, too.
        fresh = fieldset.as_member(fresh)
    if gone is None and fresh is None:
        return _MODIFIED
    return fresh, gone


def _below(node: Node, value: Any) -> FieldSet | None:
    """The fields below a value, without itself; None for a leaf."""
    if not isinstance(value, dict | list):
        return None
    found = _collect(node, value, True)
    return _unmarked(found) or None if found else None


def _compare_maps(of: MapType | None, old: dict[str, Any], new: dict[str, Any]) -> _Difference:
    if of is None or of.atomic:
        return _MODIFIED
    changed: FieldSet = {}
    removed: FieldSet = {}
    known = of.fields
    for name, item in new.items() if known else sorted(new.items()):
        before = old.get(name)
        if before == item and (before is not None or name in old):
            continue
        found = known.get(name)
        if found is not None:
            element, node = found.element, found.node
        elif of.element is not None:
            element, node = "f:" + name, of.element
        else:
            continue
        if name in old:
            fresh, gone = _compare(node, before, item)
            if fresh is not None:
                changed[element] = fresh
            if gone is not None:
                removed[element] = gone
        else:
            changed[element] = _whole(node, item)
    for name in old:
        if name not in new:
            below = of.child(name)
            if below is not None:
                removed["f:" + name] = _whole(below, old[name])
    return changed or None, removed or None


def _whole(node: Node, value: Any) -> FieldSet:
    """The node for a value that has come or gone."""
    return _collect(node, value, True) or LEAF


def _compare_lists(of: ListType | None, old: list[Any], new: list[Any]) -> _Difference:
    if of is None or of.atomic:
        return _MODIFIED
    before, after = _by_element(of, old), _by_element(of, new)
    changed: FieldSet = {}
    removed: FieldSet = {}
    for element, items in after.items():
        previous = before.get(element)
        if previous is None:
            changed[element] = _whole(of.item, items[0]) if len(items) == 1 else LEAF
        elif previous != items:
            fresh, gone = _compare_items(of.item, previous, items)
            if fresh is not None:
                changed[element] = fresh
            if gone is not None:
                removed[element] = gone
    for element, items in before.items():
        if element not in after:
            removed[element] = _whole(of.item, items[0]) if len(items) == 1 else LEAF
    return fieldset.sort_elements(changed) or None, removed or None


def _compare_items(node: Node, old: list[Any], new: list[Any]) -> _Difference:
    """The items with one identity, before and after; there may be several, and those are owned as one."""
    if len(old) == 1 and len(new) == 1:
        return _compare(node, old[0], new[0])
    if len(old) > 1 and len(new) > 1:
        return _MODIFIED
    if len(old) > 1:
        return _whole(node, new[0]), LEAF
    return LEAF, _whole(node, old[0])


def _by_element(of: ListType, items: list[Any]) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = {}
    for item in items:
        out.setdefault(of.element(item), []).append(item)
    return out


# What is wrong with a value


def validate(node: Node, value: Any) -> None:
    """Check an applied configuration: unknown fields, wrong types and repeated list items. Raises TypedError."""
    messages = [f"{path}: {message}" if path else message for path, message in _validate(node, value)]
    if messages:
        raise TypedError(messages)


_Found = tuple[str, str]


def _validate(node: Node, value: Any) -> Iterator[_Found]:
    if isinstance(value, dict) and node.map is not None:
        yield from _validate_map(node.map, value)
    elif isinstance(value, list) and node.list is not None:
        yield from _validate_list(node.list, value)
    elif value is None:
        return
    elif node.map is not None and not (node.scalar and not isinstance(value, dict | list)):
        yield "", f"expected map, got &{{{_go(value)}}}"
    elif node.scalar:
        message = _scalar_error(node.scalar, value)
        if message:
            yield "", message
    else:
        yield "", f"expected list, got &{{{_go(value)}}}"


def _validate_map(of: MapType, value: dict[str, Any]) -> Iterator[_Found]:
    for name, item in value.items():
        child = of.child(name)
        if child is None:
            yield "." + name, "field not declared in schema"
            continue
        for path, message in _validate(child, item):
            yield f".{name}{path}", message


def _validate_list(of: ListType, value: list[Any]) -> Iterator[_Found]:
    seen: set[str] = set()
    for position, item in enumerate(value):
        if of.atomic:
            where = f"[{position}]"
        else:
            try:
                element = of.element(item)
            except TypedError as error:
                yield "", f"element {position}: {error}"
                return
            where = fieldset.describe_element(element)
            if element in seen:
                yield "", f"duplicate entries for key {where}"
            seen.add(element)
        for path, message in _validate(of.item, item):
            yield where + path, message


def _scalar_error(kind: str, value: Any) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "numeric":
        return "" if number else f"expected numeric (int or float), got {_go_type(value)}"
    if kind == "string":
        return (
            ""
            if isinstance(value, str)
            else f"expected string, got &value.valueUnstructured{{Value:{_go_syntax(value)}}}"
        )
    if kind == "boolean":
        return "" if isinstance(value, bool) else f"expected boolean, got &{{{_go(value)}}}"
    return f"expected any scalar, got &{{{_go(value)}}}" if isinstance(value, dict | list) else ""


def _go_type(value: Any) -> str:
    names = {bool: "bool", int: "int64", float: "float64", str: "string", list: "[]interface {}"}
    return names.get(type(value), "map[string]interface {}")


def _go(value: Any) -> str:
    """A value as Go prints it."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{k}:{_go(value[k])}" for k in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(_go, value)) + "]"
    return str(value)


def _go_syntax(value: Any) -> str:
    """A value as Go source code would have it."""
    if isinstance(value, dict):
        inner = ", ".join(f'"{k}":{_go_syntax(value[k])}' for k in sorted(value))
        return f"map[string]interface {{}}{{{inner}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(_go_syntax, value))}}}"
    return f'"{value}"' if isinstance(value, str) else _go(value)
