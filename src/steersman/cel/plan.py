"""A checked tree to nested Python closures, each of which evaluates one node.

The cost that a node always has is added up while planning and charged at once where a branch is taken; a closure only
charges what depends on values, and only such charges and loops look at the limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steersman.cel import plan_calls, plan_logic, plan_loops, plan_values
from steersman.cel.frame import FIRST, Frame, Step, constant
from steersman.cel.syntax import (
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
from steersman.cel.types import Type

_CALLS = {
    "_&&_": plan_logic.logical,
    "_||_": plan_logic.logical,
    "_?_:_": plan_logic.conditional,
    "_[_]": plan_values.index,
    "_[?_]": plan_values.index,
    "_==_": plan_calls.equality,
    "_!=_": plan_calls.equality,
    "@in": plan_calls.membership,
}


class Planner:
    """Plans one tree; knows the slots of its variables."""

    def __init__(self, variables: Mapping[str, Type]) -> None:
        self.slots: dict[str, int] = {name: FIRST + at for at, name in enumerate(variables)}
        self.size = FIRST + len(self.slots)
        self._scopes: list[dict[str, int]] = []
        self._planned: dict[Node, Step] = {}

    def plan(self, node: Node) -> Step:
        """The step of a node; one that a macro uses twice is planned once."""
        step = self._planned.get(node)
        if step is None:
            step = self._planned[node] = self._plan(node)
        return step

    def _plan(self, node: Node) -> Step:
        if isinstance(node, Select):
            return plan_values.select(self, node) if node.resolved is None else self._ident(node.resolved)
        if isinstance(node, Call):
            return _CALLS.get(node.function, plan_calls.call)(self, node)
        if isinstance(node, Literal):
            return constant(node.value)
        if isinstance(node, Ident):
            return self._ident(node)
        if isinstance(node, ListLiteral):
            return plan_values.list_literal(self, node)
        if isinstance(node, MapLiteral):
            return plan_values.map_literal(self, node)
        if isinstance(node, ObjectLiteral):
            return plan_values.object_literal(self, node)
        assert isinstance(node, Comprehension)
        return plan_loops.comprehension(self, node)

    def slot(self, name: str) -> int:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return self.slots[name]

    def enter(self, *names: str) -> list[int]:
        """Gives local variables their slots, until `leave`."""
        slots = [self.size + at for at in range(len(names))]
        self._scopes.append(dict(zip(names, slots, strict=True)))
        self.size += len(names)
        return slots

    def leave(self) -> None:
        self._scopes.pop()

    def _ident(self, node: Ident) -> Step:
        if node.constant is not None:
            return constant(node.constant)
        slot = self.slot(node.name)

        def run(f: Frame) -> Any:
            return f[slot]

        return Step(run, 1)
