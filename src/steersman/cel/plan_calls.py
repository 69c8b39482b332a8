"""Plans of calls: the overload picked while checking, or picked by the values where their types are only known then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from steersman.cel.costs import Cost
from steersman.cel.equality import contains, equal, has_key
from steersman.cel.errors import NO_OVERLOAD, EvalError
from steersman.cel.frame import Eval, Frame, Step, charge, constant, folded, spend
from steersman.cel.functions import Overload, choose
from steersman.cel.syntax import Call
from steersman.cel.types import Type
from steersman.cel.values import LIST_TYPES, Value, entries, is_map, size_of

if TYPE_CHECKING:
    from steersman.cel.plan import Planner

_SCALARS = frozenset(["bool", "int", "uint", "double", "timestamp", "duration", "null", "type"])
_CONVERSIONS = frozenset(["bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"])


def call(planner: Planner, node: Call) -> Step:
    """Any function."""
    steps = [planner.plan(arg) for arg in node.args]
    cost = sum(step.cost for step in steps)
    runs = [step.run for step in steps]
    overload = node.overloads[0]
    foldable = node.function in _CONVERSIONS and len(steps) == 1 and steps[0].constant
    if len(node.overloads) > 1 or not all(
        _settled(arg.type, want) for arg, want in zip(node.args, overload.args, strict=True)
    ):
        return Step(_dispatched(node.overloads, runs), cost)
    if overload.function in ("or", "orValue"):
        run = _otherwise(runs[0], runs[1], steps[1].cost, overload.function == "orValue")
        return Step(run, steps[0].cost)
    if overload.id == "add_list":
        return Step(_concatenation(overload.run, runs[0], runs[1]), cost + 1)
    if overload.cost is not None:
        plan = _charged if overload.cost.work is None else _laborious
        step = Step(plan(overload, overload.cost, runs), cost)
        return folded(step) if foldable else step
    step = Step(_plain(overload.run, runs), cost + 1)
    return folded(step) if foldable else step


def _settled(found: Type, wanted: Type) -> bool:
    """Whether an argument of a static type is sure to be one the overload takes."""
    return found.kind not in ("dyn", "error", "param", "null") or wanted.kind in ("dyn", "param")


def _plain(run: Callable[..., Value], args: list[Eval]) -> Eval:
    if len(args) == 1:
        only = args[0]
        return lambda f: run(only(f))
    if len(args) == 2:
        first, second = args
        return lambda f: run(first(f), second(f))
    return lambda f: run(*[arg(f) for arg in args])


def _charged(overload: Overload, cost: Cost, args: list[Eval]) -> Eval:
    run, price = overload.run, cost.charge

    def priced(f: Frame) -> Value:
        values = [arg(f) for arg in args]
        charge(f, price(values))
        return run(*values)

    return priced


def _laborious(overload: Overload, cost: Cost, args: list[Eval]) -> Eval:
    def priced(f: Frame) -> Value:
        values = [arg(f) for arg in args]
        return _pay_and_run(f, overload, cost, values)

    return priced


def _pay_and_run(f: Frame, overload: Overload, cost: Cost, values: list[Value]) -> Value:
    charge(f, cost.charge(values))
    if cost.work is not None:
        spend(f, cost.work(values))
    return overload.run(*values)


def _otherwise(first: Eval, second: Eval, second_cost: int, unwrapped: bool) -> Eval:
    """An optional or what to take in its place, which is only evaluated then."""

    def run(f: Frame) -> Value:
        held = first(f)
        if held.present:
            return held.value if unwrapped else held
        f[0] += second_cost
        return second(f)

    return run


def _concatenation(run: Callable[..., Value], left: Eval, right: Eval) -> Eval:
    """The API's measure has it that joining lists is free of their length; the work is counted all the same."""

    def joined(f: Frame) -> Value:
        a, b = left(f), right(f)
        spend(f, len(a) + len(b))
        return run(a, b)

    return joined


def _dispatched(overloads: list[Overload], args: list[Eval]) -> Eval:
    """A call whose overload depends on the classes of its arguments, remembered by them."""
    known: dict[tuple[type, ...], Overload] = {}

    def run(f: Frame) -> Value:
        values = [arg(f) for arg in args]
        classes = tuple(map(type, values))
        overload = known.get(classes)
        if overload is None:
            overload = known[classes] = choose(overloads, tuple(values))
        if overload.id == "add_list":
            spend(f, len(values[0]) + len(values[1]))
        if overload.cost is not None:
            return _pay_and_run(f, overload, overload.cost, values)
        f[0] += 1
        return overload.run(*values)

    return run


def equality(planner: Planner, node: Call) -> Step:
    """== and !=, which is Python's own for values of one plain type."""
    left, right = (planner.plan(arg) for arg in node.args)
    cost = left.cost + right.cost
    a, b = left.run, right.run
    wanted = node.function == "_==_"
    # One unit is charged even where an operand ends in an error; what the sizes say is added to it.
    kinds = {arg.type.kind for arg in node.args}
    if len(kinds) == 1 and kinds <= _SCALARS:
        if wanted:
            return Step(lambda f: a(f) == b(f), cost + 1)
        return Step(lambda f: a(f) != b(f), cost + 1)
    if kinds == {"string"}:
        return Step(_equal_strings(a, b, wanted), cost + 1)

    def run(f: Frame) -> Value:
        x, y = a(f), b(f)
        charge(f, -(-min(size_of(x), size_of(y)) // 10) - 1)
        return equal(x, y, f) is wanted

    return Step(run, cost + 1)


def _equal_strings(a: Eval, b: Eval, wanted: bool) -> Eval:
    def run(f: Frame) -> Value:
        x, y = a(f), b(f)
        f[0] += -(-min(len(x), len(y)) // 10) - 1
        return (x == y) is wanted

    return run


def membership(planner: Planner, node: Call) -> Step:
    """x in y. A list of constants is looked up, and free."""
    wanted, held = (planner.plan(arg) for arg in node.args)
    item, target = wanted.run, held.run
    if held.constant and type(held.value) is list:
        return _in_constants(wanted, held.value)

    def run(f: Frame) -> Value:
        x, y = item(f), target(f)
        if type(y) in LIST_TYPES:
            charge(f, len(y))
            return contains(y, x, f)
        if is_map(y):
            f[0] += 1
            return has_key(entries(y), x)
        raise EvalError(NO_OVERLOAD)

    return Step(run, wanted.cost + held.cost)


def _in_constants(wanted: Step, values: list[Any]) -> Step:
    if not values:
        return constant(False)
    item = wanted.run
    if all(type(value) is str for value in values):
        texts = frozenset(values)

        def among(f: Frame) -> Value:
            value = item(f)
            return type(value) is str and value in texts

        return Step(among, wanted.cost)
    return Step(lambda f: contains(values, item(f), f), wanted.cost)
