"""Environments and programs: text to something that evaluates, and evaluation within a cost."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from steersman.cel import timing
from steersman.cel.checker import Checker
from steersman.cel.costs import Range
from steersman.cel.errors import NO_OVERLOAD, CompileError, CostLimitExceeded, EvalError, Issue
from steersman.cel.estimate import Estimator
from steersman.cel.frame import COST, MAX_WORK, Frame
from steersman.cel.functions import Functions, Library
from steersman.cel.library import (
    authz,
    conversion,
    extras,
    lists,
    moments,
    network,
    operators,
    optionals,
    quantity,
    regex,
    semver,
    strings,
    url,
)
from steersman.cel.library import (
    format as formats,
)
from steersman.cel.library.conversion import format_duration, format_time
from steersman.cel.macros import BINDINGS, MACROS
from steersman.cel.parser import MAX_DEPTH, parse
from steersman.cel.plan import Planner
from steersman.cel.syntax import Node
from steersman.cel.types import Type, is_optional
from steersman.cel.validators import findings, unusable_pattern
from steersman.cel.values import (
    LIST_TYPES,
    Duration,
    Opaque,
    Optional,
    Timestamp,
    Uint,
    Value,
    entries,
    is_struct,
)

PER_CALL_LIMIT = 1_000_000
"""What one evaluation may cost."""
RUNTIME_BUDGET = 10_000_000
"""What all the evaluations for one object (of one custom resource, or by one policy binding) may cost."""
MATCH_CONDITIONS_BUDGET = 2_500_000
"""What the match conditions of one webhook or policy may cost for one object."""
RULE_ESTIMATE_LIMIT, SCHEMA_ESTIMATE_LIMIT = 10_000_000, 100_000_000
"""What a rule of a custom resource's schema, and all of its rules, may cost by estimate."""

KUBERNETES: tuple[Library, ...] = (
    operators.LIBRARY,
    conversion.LIBRARY,
    moments.LIBRARY,
    optionals.LIBRARY,
    optionals.UNWRAPPING,
    strings.LIBRARY,
    strings.FORMAT,
    lists.LIBRARY,
    lists.EXTENDED,
    lists.SETS,
    regex.LIBRARY,
    url.LIBRARY,
    network.LIBRARY,
    quantity.LIBRARY,
    semver.LIBRARY,
    formats.LIBRARY,
    authz.LIBRARY,
    extras.INSERTION,
)
"""The libraries of every expression in Kubernetes."""
MUTATION: tuple[Library, ...] = (*KUBERNETES, extras.JSON_PATCH)
"""Those of a mutation's expressions."""
EVERYTHING: tuple[Library, ...] = (
    *(library for library in MUTATION if library is not strings.FORMAT),
    extras.ENCODERS,
    extras.MATH,
    strings.NEWER,
)
"""All libraries there are, and `cel.bind`."""

_WRONG_DATA = (TypeError, AttributeError, ValueError, LookupError, ArithmeticError)


@lru_cache(maxsize=32)
def _functions(libraries: tuple[Library, ...]) -> Functions:
    return Functions(libraries)


class Env:
    """The variables and functions that expressions may use.

    `objects` are the object types that literals such as `JSONPatch{…}` may make. `homogeneous`
    refuses literals of lists and maps with elements of different types, as Kubernetes does. An environment does not change.
    """

    def __init__(
        self,
        variables: Mapping[str, Type],
        libraries: Iterable[Library] = KUBERNETES,
        objects: Mapping[str, Type] | None = None,
        *,
        homogeneous: bool = True,
    ) -> None:
        self.variables = dict(variables)
        self._libraries = tuple(libraries)
        self._functions = _functions(self._libraries)
        self._macros = {**MACROS, **BINDINGS} if extras.MATH in self._libraries else MACROS
        self._objects = dict(objects or {})
        self._homogeneous = homogeneous

    def extended(self, **variables: Type) -> Env:
        """This environment with more variables."""
        return Env({**self.variables, **variables}, self._libraries, self._objects, homogeneous=self._homogeneous)

    def compile(self, text: str, result: Type | tuple[Type, ...] | None = None) -> Program:
        """The program of an expression, which must be of one of the types `result` if that is given.

        Raises CompileError, whose text is the report as Kubernetes' users know it.
        """
        began = timing.now()
        try:
            return self._compile(text, result)
        finally:
            timing.compiled.observe(timing.now() - began)

    def _compile(self, text: str, result: Type | tuple[Type, ...] | None) -> Program:
        root = parse(text, self._macros)
        checker = Checker(self.variables, self._functions, self._objects)
        try:
            found = checker.check(root)
            if not checker.issues:
                checker.issues.extend(findings(checker, homogeneous=self._homogeneous))
            if checker.issues:
                raise CompileError(text, checker.issues)
            wanted = (result,) if isinstance(result, Type) else result
            if wanted is not None and found not in wanted:
                raise CompileError.of("must evaluate to " + " or ".join(str(t) for t in wanted))
            refusal = unusable_pattern(checker)
            if refusal is not None:
                raise CompileError.of(f"program instantiation failed: {refusal}")
            return Program(
                text, root, found, {name: self.variables[name] for name in sorted(checker.used)}, self.variables
            )
        except RecursionError:
            raise CompileError(text, [Issue(-1, f"expression recursion limit exceeded: {MAX_DEPTH}")]) from None


class Program:
    """An expression ready to be evaluated, any number of times."""

    def __init__(
        self, text: str, root: Node, result: Type, used: Mapping[str, Type], variables: Mapping[str, Type]
    ) -> None:
        self.text = text
        self.result = result
        """The static type of the value."""
        self.uses = frozenset(used)
        """The variables the expression reads."""
        self._root = root
        self._variables = variables
        planner = Planner(used)
        step = planner.plan(root)
        self._run = step.run
        self._frame: Frame = [step.cost, PER_CALL_LIMIT, MAX_WORK, *[None] * (planner.size - 3)]
        self._slots = [(name, planner.slots[name], _preparation(t)) for name, t in used.items()]
        self._is_plain = result.kind in ("bool", "string", "int", "double", "null")

    def evaluate(self, values: Mapping[str, Any], cost_limit: int = PER_CALL_LIMIT) -> Any:
        """The value as plain Python (see `plain`). Raises EvalError, and CostLimitExceeded beyond the limit."""
        value, _ = self.measure(values, cost_limit)
        return value if self._is_plain else plain(value)

    def measure(self, values: Mapping[str, Any], cost_limit: int = PER_CALL_LIMIT) -> tuple[Value, int]:
        """The run-time value and what it cost; an EvalError knows the cost too."""
        frame = self._frame.copy()
        frame[1] = cost_limit
        began = timing.now()
        try:
            for name, slot, prepare in self._slots:
                held = values[name]
                frame[slot] = held if prepare is None else prepare(held)
        except KeyError:
            raise EvalError(f"no such attribute(s): {name}") from None
        try:
            if frame[COST] > cost_limit:
                raise CostLimitExceeded
            value = self._run(frame)
            if frame[COST] > cost_limit:
                raise CostLimitExceeded
        except EvalError as err:
            err.cost = frame[COST]
            raise
        except RecursionError:
            raise _failed("data is nested too deeply", frame) from None
        except _WRONG_DATA as err:  # data that is not of its declared type, which only costs a check where it fails
            raise _failed(f"{NO_OVERLOAD}: {err}", frame) from err
        finally:
            timing.evaluated.observe(timing.now() - began)
        return value, frame[COST]

    def cost_estimate(self) -> Range:
        """The least and the most the expression costs with data that its variables' types allow."""
        return Estimator(self._variables).cost(self._root)


def _failed(message: str, frame: Frame) -> EvalError:
    error = EvalError(message)
    error.cost = frame[COST]
    return error


def _preparation(t: Type) -> Any:
    """What a variable's data goes through first: an optional's content, or the data itself."""
    if not is_optional(t):
        return t.prepare
    inner = t.params[0].prepare

    def prepare(raw: Any) -> Optional:
        held = raw if type(raw) is Optional else Optional(raw)
        return Optional(inner(held.value)) if inner is not None and held.present else held

    return prepare


def plain(value: Value) -> Any:
    """A value as JSON-like data: instants and durations as text, bytes in base64, an absent optional as None."""
    kind = type(value)
    if kind in (str, int, float, bool) or value is None:
        return value
    if kind is Uint:
        return int(value)
    if kind is Timestamp:
        return format_time(value)
    if kind is Duration:
        return format_duration(value)
    if kind is bytes:
        return base64.b64encode(value).decode()
    if kind in LIST_TYPES:
        return [plain(item) for item in value]
    if kind is Optional:
        return plain(value.value) if value.present else None
    if isinstance(value, Opaque | Type) or is_struct(value):
        return value
    return {plain(key): plain(held) for key, held in entries(value).items()}
