"""What an evaluation carries: a list of the cost so far, its limit, the work left, then the variables.

Cost is Kubernetes' measure and is reported. Work counts what that measure leaves out (elements compared or copied), so
that a cheap expression over much data ends too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from steersman.cel.errors import CostLimitExceeded, EvalError

Frame = list[Any]
Eval = Callable[[Frame], Any]
COST, LIMIT, WORK, FIRST = 0, 1, 2, 3
MAX_WORK = 2_000_000
"""Elements one evaluation may compare or copy: some hundreds of milliseconds."""


@dataclass(slots=True)
class Step:
    """How to evaluate a node, and the cost it always has; `constant` when its value is known already."""

    run: Eval
    cost: int
    constant: bool = False
    value: Any = None


def constant(value: Any) -> Step:
    return Step(lambda f: value, 0, True, value)


def charge(f: Frame, amount: int) -> None:
    """Adds to the cost. Raises CostLimitExceeded beyond the limit."""
    f[COST] += amount
    if f[COST] > f[LIMIT]:
        raise CostLimitExceeded


def spend(f: Frame | None, amount: int) -> None:
    """Counts work. Raises CostLimitExceeded when there is too much of it."""
    if f is not None:
        f[WORK] -= amount
        if f[WORK] < 0:
            raise CostLimitExceeded


def folded(step: Step) -> Step:
    """The value of a step whose arguments are constants, computed once; an error stays one of each evaluation."""
    try:
        return constant(step.run([0, 1 << 62, MAX_WORK]))
    except EvalError:
        return step
