"""What a function is: overloads by the types of their arguments, each with what it does and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from steersman.cel.costs import Cost
from steersman.cel.errors import NO_OVERLOAD, EvalError
from steersman.cel.types import Type
from steersman.cel.values import LIST_TYPES, Duration, Opaque, Optional, Timestamp, Uint, Value

Run = Callable[..., Value]
_CLASSES: dict[str, type] = {
    "bool": bool,
    "int": int,
    "uint": Uint,
    "double": float,
    "string": str,
    "bytes": bytes,
    "null": type(None),
    "timestamp": Timestamp,
    "duration": Duration,
    "type": Type,
}
_SCALARS = frozenset([*_CLASSES.values(), *LIST_TYPES, Optional])


@dataclass(frozen=True, slots=True, eq=False)
class Overload:
    """One way to call a function. The receiver, where there is one, is the first argument.

    `run` takes the arguments and returns the result or raises EvalError. Without `cost` a call costs one unit.
    """

    id: str
    function: str
    args: tuple[Type, ...]
    result: Type
    run: Run
    member: bool = False
    cost: Cost | None = None
    generic: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "generic", any(_has_parameter(t) for t in (*self.args, self.result)))


def _has_parameter(t: Type) -> bool:
    return t.kind == "param" or any(_has_parameter(param) for param in t.params)


class Library:
    """A named set of functions."""

    def __init__(self, name: str, overloads: Iterable[Overload]) -> None:
        self.name = name
        self.overloads = tuple(overloads)


_MAX_RESOLVED = 4096


class Functions:
    """All functions of an environment, and which overloads calls with arguments of simple types came to."""

    def __init__(self, libraries: Iterable[Library]) -> None:
        found: dict[str, list[Overload]] = {}
        for library in libraries:
            for overload in library.overloads:
                found.setdefault(overload.function, []).append(overload)
        self.overloads = {name: tuple(overloads) for name, overloads in found.items()}
        self.resolved: dict[tuple[str, bool, tuple[Type, ...]], tuple[list[Overload], Type]] = {}

    def remember(self, key: tuple[str, bool, tuple[Type, ...]], overloads: list[Overload], result: Type) -> None:
        if len(self.resolved) >= _MAX_RESOLVED:
            self.resolved.clear()
        self.resolved[key] = overloads, result


def function(name: str, id: str, args: tuple[Type, ...], result: Type, run: Run, cost: Cost | None = None) -> Overload:
    """An overload called as name(args)."""
    return Overload(id, name, args, result, run, False, cost)


def method(name: str, id: str, args: tuple[Type, ...], result: Type, run: Run, cost: Cost | None = None) -> Overload:
    """An overload called as args[0].name(args[1:])."""
    return Overload(id, name, args, result, run, True, cost)


def admits(t: Type, kind: type) -> bool:
    """Whether values of a Python class may be values of a type, as far as the class tells."""
    wanted = _CLASSES.get(t.kind)
    if wanted is not None:
        return kind is wanted
    if t.kind == "list":
        return kind in LIST_TYPES
    if t.kind in ("map", "object"):
        return kind not in _SCALARS and not issubclass(kind, Opaque)
    if t.kind == "opaque":
        if t.name == "optional_type":
            return kind is Optional
        return issubclass(kind, Opaque) and kind.cel_type.name == t.name
    return True


def choose(overloads: list[Overload], values: tuple[Any, ...]) -> Overload:
    """The overload for values whose types are only known now. Raises EvalError."""
    for overload in overloads:
        if len(overload.args) == len(values) and all(
            admits(t, type(value)) for t, value in zip(overload.args, values, strict=True)
        ):
            return overload
    raise EvalError(NO_OVERLOAD)
