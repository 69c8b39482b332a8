"""Plans of the operators that need not evaluate all of their operands: && and ||, which absorb errors, and ?:."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.cel.errors import NO_OVERLOAD, CostLimitExceeded, EvalError
from steersman.cel.frame import Eval, Frame, Step, charge
from steersman.cel.syntax import Call, Node, is_path
from steersman.cel.values import Value

if TYPE_CHECKING:
    from steersman.cel.plan import Planner


def logical(planner: Planner, node: Call) -> Step:
    """&& and ||: the deciding value wins over an error, whichever side it is on."""
    decides = node.function == "_||_"
    steps = [planner.plan(arg) for arg in node.args]
    if len(steps) == 2:
        run = _pair(steps[0].run, steps[1].run, steps[1].cost, decides)
    else:
        run = _chain([step.run for step in steps], [0, *(step.cost for step in steps[1:])], decides)
    return Step(run, steps[0].cost)


def _pair(left: Eval, right: Eval, right_cost: int, decides: bool) -> Eval:
    other = not decides

    def run(f: Frame) -> Value:
        try:
            a = left(f)
        except EvalError as err:
            if type(err) is CostLimitExceeded:
                raise
            f[0] += right_cost
            if right(f) is decides:
                return decides
            raise
        if a is decides:
            return decides
        f[0] += right_cost
        b = right(f)
        if a is other:
            if b is other or b is decides:
                return b
        elif b is decides:
            return decides
        raise EvalError(NO_OVERLOAD)

    return run


def _chain(runs: list[Eval], costs: list[int], decides: bool) -> Eval:
    other = not decides
    terms = list(zip(runs, costs, strict=True))

    def run(f: Frame) -> Value:
        failure: EvalError | None = None
        for term, cost in terms:
            f[0] += cost
            try:
                value = term(f)
            except EvalError as err:
                if type(err) is CostLimitExceeded:
                    raise
                failure = failure or err
                continue
            if value is decides:
                return decides
            if value is not other:
                failure = failure or EvalError(NO_OVERLOAD)
        if failure is not None:
            raise failure
        return other

    return run


def _branch(node: Node, step: Step) -> int:
    """A branch's cost: the root of a path is not charged there."""
    return step.cost - 1 if is_path(node) else step.cost


def conditional(planner: Planner, node: Call) -> Step:
    """?: costs what its condition and the branch taken cost."""
    condition, then, otherwise = (planner.plan(arg) for arg in node.args)
    then_cost, otherwise_cost = _branch(node.args[1], then), _branch(node.args[2], otherwise)
    test, first, second = condition.run, then.run, otherwise.run

    def run(f: Frame) -> Value:
        taken = test(f)
        if taken is True:
            charge(f, then_cost)
            return first(f)
        if taken is False:
            charge(f, otherwise_cost)
            return second(f)
        raise EvalError(NO_OVERLOAD)

    return Step(run, condition.cost)
