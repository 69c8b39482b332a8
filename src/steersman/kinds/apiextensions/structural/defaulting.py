"""Defaults of a schema, put where a value is absent or a null that is none; other nulls that mean nothing are dropped."""

from __future__ import annotations

from typing import Any

from steersman.kinds.apiextensions.structural.nodes import META_FIELDS, Node, copied, identical
from steersman.kinds.apiextensions.structural.pruning import prune


def drop_nulls(value: Any, node: Node | None) -> None:
    """Take out, in place, the nulls of members that are neither nullable nor have a default."""
    if type(value) is dict:
        gone: list[str] = []
        for name, item in value.items():
            child = None if node is None else node.child(name)
            if item is None:
                if child is not None and not child.nullable and child.default is None:
                    gone.append(name)
            elif type(item) is dict or type(item) is list:
                drop_nulls(item, child)
        for name in gone:
            del value[name]
    elif type(value) is list:
        items = None if node is None else node.items
        for item in value:
            drop_nulls(item, items)


def apply(value: Any, node: Node | None) -> None:
    """Fill in the defaults, in place."""
    if node is None or not node.defaulted:
        return
    if type(value) is dict:
        _map(value, node)
    elif type(value) is list and node.items is not None:
        items = node.items
        for index, item in enumerate(value):
            if item is None and not items.nullable:
                value[index] = copied(items.default)
            apply(value[index], items)


def _map(value: dict[str, Any], node: Node) -> None:
    for name, child in node.properties.items():
        if child.default is not None and (name not in value or (value[name] is None and not child.nullable)):
            value[name] = copied(child.default)
    for name, item in value.items():
        found = node.properties.get(name)
        if found is None:
            found = node.additional
            if found is not None and item is None and not found.nullable:
                value[name] = item = copied(found.default)
        if type(item) is dict or type(item) is list:
            apply(item, found)


def settle(node: Node) -> None:
    """Bring the schema's own defaults into the form that they get when they are used: pruned."""
    if node.default is not None:
        fresh = copied(node.default)
        prune(fresh, node)
        node.default = fresh
    for name, child in node.properties.items():
        if not (node.embedded and name in META_FIELDS):
            settle(child)
    if node.items is not None:
        settle(node.items)
    if node.additional is not None:
        settle(node.additional)


def is_pruned(node: Node) -> bool:
    """Whether the node's default has no field that its schema does not know."""
    fresh = copied(node.default)
    prune(fresh, node)
    return identical(fresh, node.default)
