"""Expressions of a policy at work: its variables when they are asked for, and what all of it may cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steersman.api.field import quote
from steersman.cel import RUNTIME_BUDGET, EvalError, Program
from steersman.cel.errors import OUT_OF_BUDGET
from steersman.kinds.admissionregistration.expressions import Composition, ExpressionError

if TYPE_CHECKING:
    from steersman.kinds.types.admissionregistration_v1 import Variable


class Failed(Exception):
    """An expression that has no value; the text says why."""


class OutOfBudget(Failed):
    """Everything together has cost too much."""

    def __init__(self) -> None:
        super().__init__(OUT_OF_BUDGET)


@dataclass(frozen=True, slots=True)
class Expression:
    """A text and its program; `error` says why there is none."""

    text: str
    program: Program | None
    error: str = ""

    @classmethod
    def made(cls, text: str, compiled: Callable[[], Program]) -> Expression:
        try:
            return cls(text, compiled())
        except ExpressionError as error:
            return cls(text, None, str(error))


def error_type(message: str) -> str:
    """As what metrics know a failure, or a denial, which is none to us but to them."""
    if message.startswith("compilation"):
        return "compile_error"
    return "out_of_budget" if message == OUT_OF_BUDGET else "invalid_error"


Definitions = Mapping[str, Expression]


def define(composition: Composition, variables: list[Variable] | None) -> Definitions:
    """The variables of a policy, known to its other expressions from now on."""

    def made(variable: Variable) -> Expression:
        return Expression.made(variable.expression, lambda: composition.define(variable.name, variable.expression))

    return {variable.name: made(variable) for variable in variables or ()}


class Variables(Mapping[str, Any]):
    """The variable `variables`: each is evaluated when it is first asked for. `spent` is what that has cost."""

    def __init__(self, definitions: Definitions, values: Mapping[str, Any]) -> None:
        self._definitions, self._values = definitions, values
        self._known: dict[str, Any] = {}
        self.spent = 0

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self._evaluate(name)
        found = self._known[name]
        if isinstance(found, EvalError):
            raise found
        return found

    def _evaluate(self, name: str) -> Any:
        definition = self._definitions[name]
        start = f"composited variable {quote(name)} fails to"
        if definition.program is None:
            return EvalError(f"{start} compile: {definition.error}")
        try:
            value, cost = definition.program.measure(self._values)
        except EvalError as error:
            self.spent += error.cost
            return EvalError(f"{start} evaluate: {error}")
        self.spent += cost
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._definitions

    def __iter__(self) -> Iterator[str]:
        return iter(self._definitions)

    def __len__(self) -> int:
        return len(self._definitions)


class Evaluation:
    """The values of one request for one policy and parameter, and what is `left` of the budget for it."""

    def __init__(self, values: Mapping[str, Any], definitions: Definitions, budget: int = RUNTIME_BUDGET) -> None:
        self.values: dict[str, Any] = dict(values)
        self._variables = Variables(definitions, self.values)
        self.values["variables"] = self._variables
        self.left = budget

    def renew(self) -> None:
        """What comes next has a budget of its own."""
        self.left = RUNTIME_BUDGET

    def value(self, expression: Expression) -> Any:
        """Raises Failed, and OutOfBudget, after which nothing else is to be evaluated."""
        program = expression.program
        if program is None:
            raise Failed(f"compilation error: {expression.error}")
        before, failure, value = self._variables.spent, None, None
        try:
            value, cost = program.measure(self.values)
        except EvalError as error:
            failure, cost = error, error.cost
        self.left -= cost + self._variables.spent - before
        if self.left < 0:
            raise OutOfBudget
        if failure is not None:
            raise Failed(f"expression '{expression.text}' resulted in error: {failure}")
        return value
