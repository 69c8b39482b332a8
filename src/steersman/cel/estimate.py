"""What an expression costs at least and at most, for all data that its variables' types allow.

It follows the paths from the variables through the tree to know how large a list or string can be, as far as the schema
says so, and multiplies loops out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from steersman.cel.costs import LIMIT, LIST, MAP, OBJECT, ONE, UNKNOWN, Operand, Range, fixed
from steersman.cel.functions import Overload
from steersman.cel.syntax import (
    ACCUMULATOR,
    Call,
    Comprehension,
    Ident,
    ListLiteral,
    Literal,
    MapLiteral,
    Node,
    ObjectLiteral,
    Select,
)
from steersman.cel.types import Type, unwrap_optional

_FREE, _EMPTY = fixed(0), Range(LIMIT, 0)
_FIXED_SIZE = frozenset(["bool", "double", "duration", "int", "timestamp", "uint"])
_HIDDEN = frozenset([ACCUMULATOR])
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Contents:
    """The sizes of a container's keys and values."""

    is_list: bool
    key: Range
    value: Range

    def union(self, other: _Contents | None) -> _Contents | None:
        if other is None:
            return None
        return _Contents(self.is_list, self.key.union(other.key), self.value.union(other.value))


@dataclass(frozen=True, slots=True)
class _Local:
    path: Path
    size: Range | None
    contents: _Contents | None


class Estimator:
    """Estimates one checked tree."""

    def __init__(self, variables: Mapping[str, Type]) -> None:
        self._variables = variables
        self._locals: dict[str, list[_Local]] = {}
        self._costs: dict[Node, Range] = {}
        self._paths: dict[Node, Path] = {}
        self._sizes: dict[Node, Range] = {}
        self._contents: dict[Node, _Contents] = {}
        self._visit: dict[type[Node], Callable[[Any], Range]] = {
            Literal: lambda node: _FREE,
            Ident: self._ident,
            Select: self._select,
            Call: self._call,
            ListLiteral: self._list,
            MapLiteral: self._map,
            ObjectLiteral: self._object,
            Comprehension: self._comprehension,
        }

    def cost(self, node: Node) -> Range:
        """The bounds of a node's cost, with everything below it."""
        known = self._costs.get(node)
        if known is None:
            known = self._costs[node] = self._visit[type(node)](node)
        return known

    # -- paths and sizes -------------------------------------------------------------------------------------------

    def _local(self, name: str) -> _Local | None:
        held = self._locals.get(name)
        return held[-1] if held else None

    def _path(self, node: Node) -> Path:
        if isinstance(node, Ident):
            local = self._local(node.name)
            if local is not None:
                return local.path
        return self._paths.get(node, ())

    def _declared_size(self, path: Path) -> Range | None:
        """The size the schema allows at a path."""
        if not path:
            return None
        found = self._variables.get(path[0])
        if found is None:
            return _FREE  # the name of a type
        current = unwrap_optional(found)
        for name in path[1:]:
            step = _step(current, name)
            if step is None:
                return None
            current = step
        return Range(0, current.max_elements)

    def _size(self, node: Node) -> Range | None:
        held = self._sizes.get(node)
        if held is not None:
            return held
        if isinstance(node, Literal):
            return fixed(len(node.value)) if isinstance(node.value, str | bytes) else ONE
        if isinstance(node, ListLiteral):
            return fixed(len(node.elements))
        if isinstance(node, MapLiteral):
            return fixed(len(node.entries))
        declared = self._declared_size(self._path(node))
        if declared is not None:
            self._sizes[node] = declared
            return declared
        if _is_scalar(node.type):
            return ONE
        local = self._local(node.name) if isinstance(node, Ident) else None
        return None if local is None else local.size

    def _contents_of(self, node: Node) -> _Contents | None:
        held = self._contents.get(node)
        if held is None and isinstance(node, Ident):
            local = self._local(node.name)
            return None if local is None else local.contents
        return held

    def _operand(self, node: Node) -> Operand:
        item: Range | None = None
        if node.type.params and node.type.kind in ("list", "map", "opaque"):
            path = self._path(node)
            hidden = not path or path[0] in _HIDDEN
            declared = None if hidden else self._declared_size((*path, "@items"))
            item = declared if declared is not None else UNKNOWN
        size = self._size(node)
        literal = node.value if isinstance(node, Literal) else None
        return Operand(node.type, UNKNOWN if size is None else size, item, literal)

    # -- nodes -----------------------------------------------------------------------------------------------------

    def _ident(self, node: Ident) -> Range:
        local = self._local(node.name)
        self._paths[node] = (node.name,) if local is None else local.path
        return ONE

    def _select(self, node: Select) -> Range:
        if node.resolved is not None:
            self._paths[node] = (node.resolved.name,)
            return ONE
        cost = self.cost(node.operand)
        if node.test:
            return cost
        if node.optional:
            return cost.plus(ONE)
        if node.operand.type.kind in ("map", "object", "param"):
            cost = cost.plus(ONE)
        self._paths[node] = (*self._path(node.operand), node.name)
        return cost

    def _call(self, node: Call) -> Range:
        costs = [self.cost(arg) for arg in node.args]
        name = node.function
        if name in ("_&&_", "_||_"):
            total = Range(costs[0].low, _sum(costs).high)
        elif name == "_?_:_":
            total = self._conditional(node, costs)
        elif name == "dyn":
            self._copy(node, node.args[0])
            return costs[0].plus(ONE)
        else:
            total = _sum(costs).plus(self._own(node))
        return total

    def _own(self, node: Call) -> Range:
        """What a call adds to its arguments, over all the overloads it may be."""
        operands = [self._operand(arg) for arg in node.args]
        total, result = _EMPTY, None
        for overload in node.overloads:
            cost, size = self._overload(overload, operands)
            total = total.union(cost)
            if size is not None:
                result = size if result is None else result.union(size)
        self._index(node)
        if node.function == "_+_" and len(node.args) == 2:
            left, right = (self._contents_of(arg) for arg in node.args)
            both = None if left is None else left.union(right)
            if both is not None:
                self._contents[node] = both
        if node.function == "_[_]":
            contents = self._contents_of(node.args[0])
            result = None if contents is None else contents.value
        if result is None:
            result = self._size(node)
        if result is not None:
            self._sizes[node] = result
        return total

    def _overload(self, overload: Overload, operands: list[Operand]) -> tuple[Range, Range | None]:
        if overload.function == "_==_" and _is_unit(operands[0].type) and operands[0].type == operands[1].type:
            return ONE, None
        return (ONE, None) if overload.cost is None else overload.cost.estimate(operands)

    def _index(self, node: Call) -> None:
        if node.function == "_[_]":
            target = node.args[0]
            part = "@items" if target.type.kind == "list" else "@values"
            self._paths[node] = (*self._path(target), part)

    def _conditional(self, node: Call, costs: list[Range]) -> Range:
        then, otherwise = node.args[1], node.args[2]
        self._sizes[node] = (self._size(then) or UNKNOWN).union(self._size(otherwise) or UNKNOWN)
        first = self._contents_of(then)
        both = None if first is None else first.union(self._contents_of(otherwise))
        if both is not None:
            self._contents[node] = both
        return costs[0].plus(costs[1].union(costs[2]))

    def _copy(self, node: Node, source: Node) -> None:
        size, contents = self._size(source), self._contents_of(source)
        if size is not None:
            self._sizes[node] = size
        if contents is not None:
            self._contents[node] = contents

    def _list(self, node: ListLiteral) -> Range:
        total, items = fixed(LIST), _EMPTY if node.elements else _FREE
        for element in node.elements:
            total = total.plus(self.cost(element))
            items = items.union(self._size(element) or UNKNOWN)
        self._contents[node] = _Contents(True, ONE, items)
        return total

    def _map(self, node: MapLiteral) -> Range:
        total = fixed(MAP)
        keys = values = _EMPTY if node.entries else _FREE
        for entry in node.entries:
            total = total.plus(self.cost(entry.key)).plus(self.cost(entry.value))
            keys = keys.union(self._size(entry.key) or UNKNOWN)
            values = values.union(self._size(entry.value) or UNKNOWN)
        self._contents[node] = _Contents(False, keys, values)
        return total

    def _object(self, node: ObjectLiteral) -> Range:
        return fixed(OBJECT).plus(_sum([self.cost(field.value) for field in node.fields]))

    # -- loops -----------------------------------------------------------------------------------------------------

    def _comprehension(self, node: Comprehension) -> Range:
        total = self.cost(node.range).plus(self.cost(node.init))
        self._push(node.accumulator, _Local(self._path(node.init), self._size(node.init), self._contents_of(node.init)))
        if node.macro == "bind":
            total = total.plus(self.cost(node.result))
            self._pop(node.accumulator)
            self._copy(node, node.result)
            return total
        self._push_variables(node)
        each = self.cost(node.condition).plus(self.cost(node.step))
        self._pop(node.var)
        if node.var2 is not None:
            self._pop(node.var2)
        total = total.plus(self.cost(node.result))
        self._pop(node.accumulator)
        count = self._size(node.range) or UNKNOWN
        if isinstance(node.init, Literal):
            self._sizes[node] = ONE
        else:
            self._sizes[node] = count
            contents = self._contents_of(node.step)
            if contents is not None:
                self._contents[node] = contents
        return total.plus(count.times(each))

    def _push_variables(self, node: Comprehension) -> None:
        contents = self._contents_of(node.range)
        path = self._path(node.range)
        is_list = contents.is_list if contents is not None else node.range.type.kind == "list"
        key = None if contents is None else contents.key
        value = None if contents is None else contents.value
        if node.var2 is not None:
            self._push(node.var, _Local((*path, "@indices" if is_list else "@keys"), key, None))
            self._push(node.var2, _Local((*path, "@items" if is_list else "@values"), value, None))
        elif is_list:
            self._push(node.var, _Local((*path, "@items"), value, None))
        else:
            self._push(node.var, _Local((*path, "@keys"), key, None))

    def _push(self, name: str, local: _Local) -> None:
        self._locals.setdefault(name, []).append(local)

    def _pop(self, name: str) -> None:
        self._locals[name].pop()


def _step(t: Type, name: str) -> Type | None:
    """The type one step further along a path."""
    if name in ("@items", "@values"):
        return t.params[-1] if t.kind in ("list", "map") else None
    if name == "@keys":
        return t.params[0] if t.kind == "map" else None
    field = t.fields.get(name)
    return None if field is None else field.type


def _is_unit(t: Type) -> bool:
    return t.kind == "opaque" and not t.params


def _is_scalar(t: Type) -> bool:
    return unwrap_optional(t).kind in _FIXED_SIZE


def _sum(costs: list[Range]) -> Range:
    total = _FREE
    for cost in costs:
        total = total.plus(cost)
    return total
