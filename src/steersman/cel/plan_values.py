"""Plans of what reads and makes data: selections, indexes, and literals of lists, maps and objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steersman.cel.costs import LIST, MAP, OBJECT
from steersman.cel.errors import NO_OVERLOAD, EvalError
from steersman.cel.frame import Eval, Frame, Step, constant
from steersman.cel.library.operators import index_list, index_map, optional_index
from steersman.cel.syntax import (
    Call,
    FieldInit,
    Ident,
    ListLiteral,
    MapLiteral,
    ObjectLiteral,
    Select,
    extends,
    is_path,
)
from steersman.cel.types import is_optional, unwrap_optional
from steersman.cel.values import LIST_TYPES, NONE, ObjectValue, Optional, Uint, Value, has, is_map
from steersman.cel.values import select as select_field

if TYPE_CHECKING:
    from steersman.cel.plan import Planner

_MISSING = object()


def select(planner: Planner, node: Select) -> Step:
    """a.b, a.?b and has(a.b)."""
    operand = planner.plan(node.operand)
    target = unwrap_optional(node.operand.type)
    declared = target.fields.get(node.name) if target.kind == "object" else None
    wire = node.name if declared is None else declared.wire
    if node.test:
        run = _test(operand.run, wire) if declared is None else _test_declared(operand.run, wire)
        return Step(run, operand.cost)
    cost = operand.cost + (1 if extends(node.operand) else 2)
    if node.optional or is_optional(node.operand.type):
        return Step(_optional_select(operand.run, wire), cost - 1)
    if isinstance(node.operand, Ident) and node.operand.constant is None:
        return Step(_variable_field(planner.slot(node.operand.name), wire, declared is not None), cost)
    return Step(_field(operand.run, wire, declared is not None), cost)


def _variable_field(slot: int, name: str, declared: bool) -> Eval:
    """A field of a variable; one that a schema declares counts as absent when it is null."""

    def run(f: Frame) -> Value:
        target = f[slot]
        if type(target) is not dict:
            return _any_field(target, name)
        found = target.get(name, _MISSING)
        if found is _MISSING or (found is None and declared):
            raise EvalError(f"no such key: {name}")
        return found

    return run


def _field(operand: Eval, name: str, declared: bool) -> Eval:
    def run(f: Frame) -> Value:
        target = operand(f)
        if type(target) is not dict:
            return _any_field(target, name)
        found = target.get(name, _MISSING)
        if found is _MISSING or (found is None and declared):
            raise EvalError(f"no such key: {name}")
        return found

    return run


def _any_field(target: Value, name: str) -> Value:
    return _optional_field(target, name) if type(target) is Optional else select_field(target, name)


def _optional_field(target: Value, name: str) -> Optional:
    if type(target) is Optional:
        if not target.present:
            return NONE
        target = target.value
    if not is_map(target):
        raise EvalError(NO_OVERLOAD)
    return Optional(select_field(target, name)) if has(target, name) else NONE


def _optional_select(operand: Eval, name: str) -> Eval:
    def run(f: Frame) -> Value:
        found = _optional_field(operand(f), name)
        f[0] += found.present  # what is absent is not charged
        return found

    return run


def _test(operand: Eval, name: str) -> Eval:
    def run(f: Frame) -> Value:
        target = operand(f)
        if type(target) is dict:
            return name in target
        if type(target) is Optional:
            return target.present and has(target.value, name)
        return has(target, name)

    return run


def _test_declared(operand: Eval, name: str) -> Eval:
    """A field of a schema is there unless it is null; an entry of a map is there even then."""
    test = _test(operand, name)

    def run(f: Frame) -> Value:
        target = operand(f)
        if type(target) is dict:
            return target.get(name) is not None
        return test(f)

    return run


def index(planner: Planner, node: Call) -> Step:
    """a[b] and a[?b]."""
    target, key = (planner.plan(arg) for arg in node.args)
    cost = target.cost + (1 if extends(node.args[0]) else 2) + key.cost - (1 if is_path(node.args[1]) else 0)
    if node.function == "_[?_]":
        return Step(_optional_item(target.run, key.run), cost - 1)
    return Step(_item(target.run, key.run), cost)


def _item(target: Eval, key: Eval) -> Eval:
    def run(f: Frame) -> Value:
        held, at = target(f), key(f)
        kind = type(held)
        if kind is dict and type(at) is str:
            try:
                return held[at]
            except KeyError:
                raise EvalError(f"no such key: {at}") from None
        if kind in LIST_TYPES:
            return index_list(held, at)
        if kind is Optional:
            return optional_index(held, at)
        if is_map(held):
            return index_map(held, at)
        raise EvalError(NO_OVERLOAD)

    return run


def _optional_item(target: Eval, key: Eval) -> Eval:
    def run(f: Frame) -> Value:
        held, at = target(f), key(f)
        if type(held) in LIST_TYPES or type(held) is Optional or is_map(held):
            found = optional_index(held, at)
            f[0] += found.present
            return found
        raise EvalError(NO_OVERLOAD)

    return run


def list_literal(planner: Planner, node: ListLiteral) -> Step:
    """A list; one of constants is made once and costs nothing."""
    steps = [planner.plan(element) for element in node.elements]
    if not node.optional and all(step.constant for step in steps):
        return constant([step.value for step in steps])
    cost = LIST + sum(step.cost for step in steps)
    runs = [step.run for step in steps]
    if not node.optional:
        return Step(lambda f: [run(f) for run in runs], cost)
    flagged = [(run, at in node.optional) for at, run in enumerate(runs)]

    def run(f: Frame) -> Value:
        made: list[Value] = []
        for element, optional in flagged:
            value = element(f)
            if not optional:
                made.append(value)
            elif _given(value).present:
                made.append(value.value)
        return made

    return Step(run, cost)


def _given(value: Value) -> Optional:
    if type(value) is not Optional:
        raise EvalError(f"cannot initialize optional list element from non-optional value {value}")
    return value


_KEYS = (str, int, Uint, bool)


def map_literal(planner: Planner, node: MapLiteral) -> Step:
    """A map; one of constants is made once and costs nothing."""
    steps = [(planner.plan(entry.key), planner.plan(entry.value), entry.optional) for entry in node.entries]
    runs = [(key.run, value.run, optional) for key, value, optional in steps]

    def run(f: Frame) -> Value:
        made: dict[Any, Value] = {}
        for key_of, value_of, optional in runs:
            key, value = key_of(f), value_of(f)
            if type(key) not in _KEYS:
                raise EvalError(f"unsupported key type: {type(key).__name__}")
            if not optional:
                made[key] = value
            elif _given(value).present:
                made[key] = value.value
        return made

    if all(key.constant and value.constant for key, value, _ in steps) and not any(
        entry.optional for entry in node.entries
    ):
        return constant(run([]))
    return Step(run, MAP + sum(key.cost + value.cost for key, value, _ in steps))


def object_literal(planner: Planner, node: ObjectLiteral) -> Step:
    """An object as a dict that knows its type's name."""
    steps = [(_wire(node, field), planner.plan(field.value), field.optional) for field in node.fields]
    runs = [(wire, step.run, optional) for wire, step, optional in steps]
    name = node.type.name

    def run(f: Frame) -> Value:
        made = ObjectValue(name)
        for wire, value_of, optional in runs:
            value = value_of(f)
            if not optional:
                made[wire] = value
            elif _given(value).present:
                made[wire] = value.value
        return made

    return Step(run, OBJECT + sum(step.cost for _, step, _ in steps))


def _wire(node: ObjectLiteral, field: FieldInit) -> str:
    declared = node.type.fields.get(field.name)
    return field.name if declared is None else declared.wire
