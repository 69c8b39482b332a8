"""Columns that a definition adds to `kubectl get`, and the fields by which its objects can be selected."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from steersman.api.duration import age
from steersman.api.jsonpath import JSONPath, JSONPathError
from steersman.api.meta import parse_time
from steersman.api.untyped import Untyped
from steersman.kinds.kind import NAME, Column
from steersman.kinds.types.apiextensions_v1 import CustomResourceColumnDefinition

_log = logging.getLogger(__name__)
_BOUNDS = {"integer": 2**63 - 1, "number": sys.float_info.max}
_AGE = CustomResourceColumnDefinition(
    name="Age", type="date", description="When the object was created.", jsonPath=".metadata.creationTimestamp"
)


class Columns:
    """The columns of one version."""

    def __init__(self, given: Sequence[CustomResourceColumnDefinition] | None) -> None:
        self.columns: tuple[Column, ...] = (NAME,)
        self._cells: list[Callable[[Any, datetime], Any]] = []
        for one in given or (_AGE,):
            try:
                path = JSONPath(one.jsonPath)
            except JSONPathError as error:
                # The columns before it are shown all the same.
                _log.warning("column %s: %s", one.name, error)
                break
            description = one.description or f"Custom resource definition column (in JSONPath format): {one.jsonPath}"
            column = Column(one.name, one.type, one.format, description, one.priority or 0)
            self.columns = (*self.columns, column)
            self._cells.append(_cell(one.type, path))

    def row(self, obj: Untyped, now: datetime) -> list[Any]:
        plain = {**obj.plain(), "metadata": msgspec.to_builtins(obj.metadata)}
        return [obj.metadata.name, *(cell(plain, now) for cell in self._cells)]


def _cell(type_: str, path: JSONPath) -> Callable[[Any, datetime], Any]:
    def cell(plain: Any, now: datetime) -> Any:
        found = path.first(plain)
        return None if found is None else shown(type_, found, now)

    return cell


def shown(type_: str, value: Any, now: datetime) -> Any:
    """A value as a cell of a column of this type; None where it does not fit."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if type_ == "string":
        return text(value)
    if type_ in ("integer", "number"):
        # What clients cannot read must not keep them from the rest of a list.
        if not number or not abs(value) <= _BOUNDS[type_]:
            return None
        return int(value) if type_ == "integer" else float(value)
    if type_ == "boolean":
        return value if isinstance(value, bool) else None
    return _age(value, now) if isinstance(value, str) else None


def _age(value: str, now: datetime) -> str:
    try:
        parse_time(value)
    except ValueError:
        return "<invalid>"
    return age(value, now)


def text(value: Any) -> str:
    """A value as text: JSON for maps and lists."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return msgspec.json.encode(value, order="deterministic").decode()


class Selectable:
    """The fields of all versions by which objects can be selected, by name (`spec.color`)."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self._paths = {name: JSONPath("." + name) for name in sorted(names)}

    def read(self, plain: dict[str, Any]) -> dict[str, str]:
        """The values of one object; empty for what it does not have."""
        found = {name: path.first(plain) for name, path in self._paths.items()}
        return {name: "" if value is None else text(value) for name, value in found.items()}
