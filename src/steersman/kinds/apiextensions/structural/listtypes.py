"""Lists that are sets or maps: no item, or no key, twice."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import msgspec

from steersman.api import field
from steersman.api.field import Errors, Path
from steersman.kinds.apiextensions.structural.nodes import Node

_order = msgspec.json.Encoder(order="deterministic").encode


def validate(value: Any, node: Node | None, path: Path | None = None) -> Errors:
    """What is wrong with the lists of a value."""
    if node is None or not node.lists:
        return []
    errors: Errors = []
    if type(value) is dict:
        for name, item in value.items():
            child = node.properties.get(name)
            if child is not None:
                errors += validate(item, child, _child(path, name))
            elif node.additional is not None:
                errors += validate(item, node.additional, (path or Path()).key(name))
    elif type(value) is list:
        here = path or Path()
        if node.list_type == "set":
            errors += [field.duplicate(here.index(i), value[i]) for i in _repeated(value)]
        elif node.list_type == "map":
            errors += _map(value, node, here)
        if node.items is not None:
            for index, item in enumerate(value):
                errors += validate(item, node.items, here.index(index))
    return errors


def _child(path: Path | None, name: str) -> Path:
    return Path(name) if path is None else path.child(name)


def _map(value: list[Any], node: Node, path: Path) -> Errors:
    for index, item in enumerate(value):
        if item is not None and not isinstance(item, dict):
            return [field.invalid(path.index(index), item, "must be an object for an array of list-type map")]
    keys = [{k: item[k] for k in node.list_keys if k in item} if item else {} for item in value]
    return [field.duplicate(path.index(i), keys[i]) for i in _repeated(keys)]


def identity(value: Any) -> Hashable:
    """What tells values apart: unlike Python's own, it tells true from 1."""
    return _order(value)


def _repeated(values: list[Any]) -> list[int]:
    """Where each value that was there before comes for the second time."""
    if len(values) < 2:
        return []
    times: dict[Hashable, int] = {}
    found = []
    for index, value in enumerate(values):
        mark = identity(value)
        times[mark] = times.get(mark, 0) + 1
        if times[mark] == 2:
            found.append(index)
    return found
