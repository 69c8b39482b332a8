"""Plans of the macros' loops, each one Python loop, charged as the general loop they are defined by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from steersman.cel.costs import LIST
from steersman.cel.errors import NO_OVERLOAD, CostLimitExceeded, EvalError
from steersman.cel.frame import Eval, Frame, Step
from steersman.cel.syntax import Comprehension
from steersman.cel.values import LIST_TYPES, Value, display, entries, fields_of, is_map, is_struct, type_of

if TYPE_CHECKING:
    from steersman.cel.plan import Planner


def comprehension(planner: Planner, node: Comprehension) -> Step:
    """The loop of a macro, or the binding of a name."""
    if node.macro == "bind":
        return _bound(planner, node)
    over = planner.plan(node.range)
    names = (node.var,) if node.var2 is None else (node.var, node.var2)
    slots = planner.enter(*names)
    steps = [planner.plan(part) for part in node.body]
    planner.leave()
    iterate = _one(over.run, slots[0]) if len(slots) == 1 else _two(over.run, slots[0], slots[1])
    if node.macro in ("all", "exists"):
        return Step(_quantifier(iterate, steps[0], node.macro == "exists"), over.cost + 1)
    if node.macro == "exists_one":
        return Step(_exactly_one(iterate, steps[0]), over.cost + 2)
    predicate = steps[1] if len(steps) > 1 else None
    if node.macro == "map":
        return Step(_mapped(iterate, steps[0], predicate), over.cost + 1)
    return Step(_map_made(iterate, steps[0], predicate, slots[0], node.macro == "transformMap"), over.cost + 1)


def _bound(planner: Planner, node: Comprehension) -> Step:
    value = planner.plan(node.init)
    (slot,) = planner.enter(node.accumulator)
    result = planner.plan(node.result)
    planner.leave()
    made, used = value.run, result.run

    def run(f: Frame) -> Value:
        f[slot] = made(f)
        return used(f)

    return Step(run, value.cost + result.cost)


def _entries(value: Value) -> Any:
    if type(value) in LIST_TYPES or isinstance(value, Mapping):
        return value
    if is_struct(value):
        return fields_of(value)
    raise EvalError(f"got '{type_of(value)}', expected iterable type")


def _one(over: Eval, slot: int) -> Eval:
    """Iterates a list's items or a map's keys, each put into the variable's slot."""

    def iterate(f: Frame) -> Iterator[None]:
        for item in _entries(over(f)):
            f[slot] = item
            yield None

    return iterate


def _two(over: Eval, first: int, second: int) -> Eval:
    """Iterates a list's indexes and items, or a map's keys and values."""

    def iterate(f: Frame) -> Iterator[None]:
        held = _entries(over(f))
        pairs = held.items() if isinstance(held, Mapping) else enumerate(held)
        for key, value in pairs:
            f[first], f[second] = key, value
            yield None

    return iterate


def _quantifier(iterate: Eval, body: Step, decides: bool) -> Eval:
    """all and exists: the deciding value ends the loop and wins over errors before it."""
    run_body, other = body.run, not decides
    each = body.cost + (4 if decides else 3)
    leaving = 3 if decides else 2

    def run(f: Frame) -> Value:
        failure: EvalError | None = None
        limit = f[1]
        turns = iterate(f)
        for _ in turns:
            f[0] += each
            if f[0] > limit:
                raise CostLimitExceeded
            try:
                value = run_body(f)
            except EvalError as err:
                if type(err) is CostLimitExceeded:
                    raise
                failure = err
                continue
            if value is decides:
                if next(turns, 0) is None:  # the loop looks at its condition again only if there is another turn
                    f[0] += leaving
                return decides
            if value is not other:
                failure = EvalError(NO_OVERLOAD)
        if failure is not None:
            raise failure
        return other

    return run


def _exactly_one(iterate: Eval, body: Step) -> Eval:
    run_body, each = body.run, body.cost

    def run(f: Frame) -> Value:
        count, limit = 0, f[1]
        for _ in iterate(f):
            f[0] += each
            if f[0] > limit:
                raise CostLimitExceeded
            value = run_body(f)
            if value is True:
                f[0] += 2
                count += 1
            elif value is not False:
                raise EvalError(NO_OVERLOAD)
        return count == 1

    return run


def _accepts(predicate: Step | None, f: Frame) -> bool:
    if predicate is None:
        return True
    f[0] += predicate.cost
    value = predicate.run(f)
    if value is True or value is False:
        return bool(value)
    raise EvalError(NO_OVERLOAD)


def _mapped(iterate: Eval, body: Step, predicate: Step | None) -> Eval:
    run_body = body.run
    each = body.cost + 2 + (0 if body.constant else LIST)

    def run(f: Frame) -> Value:
        made: list[Value] = []
        limit = f[1]
        for _ in iterate(f):
            if _accepts(predicate, f):
                f[0] += each
                made.append(run_body(f))
            if f[0] > limit:
                raise CostLimitExceeded
        return made

    return run


def _map_made(iterate: Eval, body: Step, predicate: Step | None, key_slot: int, keyed: bool) -> Eval:
    run_body = body.run
    each = body.cost + (3 if keyed else 2)

    def run(f: Frame) -> Value:
        made: dict[Any, Value] = {}
        limit = f[1]
        for _ in iterate(f):
            if f[0] > limit:
                raise CostLimitExceeded
            if not _accepts(predicate, f):
                continue
            f[0] += each
            value = run_body(f)
            if keyed:
                _insert(made, f[key_slot], value)
                continue
            if not is_map(value):
                raise EvalError(NO_OVERLOAD)
            for key, held in entries(value).items():
                _insert(made, key, held)
        return made

    return run


def _insert(made: dict[Any, Value], key: Value, value: Value) -> None:
    if key in made:
        raise EvalError(f"insert failed: key {display(key)} already exists")
    made[key] = value
