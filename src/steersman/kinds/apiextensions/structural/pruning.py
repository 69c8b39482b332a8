"""Pruning: fields that a schema does not name are dropped, and it is told which."""

from __future__ import annotations

from typing import Any

from steersman.kinds.apiextensions.structural.nodes import META_FIELDS, Node


def prune(value: Any, node: Node | None) -> list[str]:
    """Drop unknown fields, in place; the paths of what was dropped, sorted: `spec.foo`, `spec.list[0].bar`.

    At the root, and in embedded resources, the fields that every object has must have been taken out or are left alone.
    """
    found = _prune(value, node)
    return sorted(path.removeprefix(".") for path in found) if found else []


def _prune(value: Any, node: Node | None) -> list[str]:
    if type(value) is dict:
        if node is None:
            gone = list(value)
            value.clear()
            return [f".{k}" for k in gone]
        return _map(value, node)
    if type(value) is list:
        items = None if node is None else node.items
        walk = _kept if node is not None and node.preserve else _prune
        return _list(value, [walk(v, items) if type(v) is dict or type(v) is list else () for v in value])
    return []


def _list(value: list[Any], found: list[Any]) -> list[str]:
    return [f"[{i}]{path}" for i, below in enumerate(found) for path in below]


def _map(value: dict[str, Any], node: Node) -> list[str]:
    found: list[str] = []
    gone: list[str] = []
    properties, closed, embedded = node.properties, not (node.mapped or node.preserve), node.embedded
    for name, item in value.items():
        if embedded and name in META_FIELDS:
            continue
        child = properties.get(name)
        if child is None:
            if closed:
                gone.append(name)
                continue
            if not node.mapped:
                continue
            child = node.additional
        if type(item) is dict or type(item) is list:
            below = _prune(item, child)
            if below:
                found += [f".{name}{path}" for path in below]
    for name in gone:
        del value[name]
        found.append(f".{name}")
    return found


def _kept(value: Any, node: Node | None) -> list[str]:
    """Below a place where unknown fields are preserved only what the schema names is looked at."""
    if node is None:
        return []
    if type(value) is list:
        return _list(value, [_kept(v, node.items) for v in value])
    if type(value) is not dict:
        return []
    found: list[str] = []
    for name, item in value.items():
        if node.embedded and name in META_FIELDS:
            continue
        if name in node.properties:
            found += [f".{name}{path}" for path in _prune(item, node.properties[name])]
        elif node.mapped:
            found += [f".{name}{path}" for path in _prune(item, node.additional)]
    return found
