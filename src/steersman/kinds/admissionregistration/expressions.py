"""The expressions of webhooks and policies: what they may name, and texts to programs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.cel import Env, Program, Type

_VARIABLES = "kubernetes.variables"
_SIMPLE = frozenset({"bool", "bytes", "double", "duration", "int", "null", "string", "timestamp", "uint"})


class ExpressionError(Exception):
    """An expression that cannot be used; the text says why."""


@lru_cache
def environment(*, params: bool = False, authorizer: bool = True, mutation: bool = False) -> Env:
    """What expressions see: the request and its objects and, where there are such, parameters, the authorizer, and the
    objects that a mutation makes."""
    from steersman.cel import DYN, KUBERNETES, MUTATION, Env
    from steersman.cel.admission import MUTATION_OBJECTS, NAMESPACE, REQUEST
    from steersman.cel.library.authz import AUTHORIZER_TYPE, RESOURCE_CHECK_TYPE

    variables = {"object": DYN, "oldObject": DYN, "request": REQUEST, "namespaceObject": NAMESPACE}
    if params:
        variables["params"] = DYN
    if authorizer:
        variables["authorizer"] = AUTHORIZER_TYPE
        variables["authorizer.requestResource"] = RESOURCE_CHECK_TYPE
    return Env(variables, MUTATION if mutation else KUBERNETES, MUTATION_OBJECTS if mutation else None)


def compile_in(env: Env, expression: str, returns: tuple[Type, ...] = ()) -> Program:
    """The program of an expression that is of one of these types; of any, if there are none. Raises ExpressionError."""
    from steersman.cel import CompileError

    try:
        program = env.compile(expression)
    except CompileError as error:
        raise ExpressionError(f"compilation failed: {error}" if error.issues else str(error)) from error
    if returns and program.result not in returns:
        names = " ".join(map(_name, returns))
        wanted = names if len(returns) == 1 else f"one of [{names}]"
        raise ExpressionError(f"must evaluate to {wanted} but got {_name(program.result)}")
    return program


def _name(t: Type) -> str:
    """A type as the API calls it, which is not what the compiler does."""
    from steersman.cel.types import type_name

    return str(t) if t.params else type_name(t)


class Composition:
    """The expressions of one policy, which may name the variables that it has defined before them.

    `known` are the types of `object` and others, where these are to be checked.
    """

    def __init__(self, *, params: bool, known: Mapping[str, Type] | None = None) -> None:
        self._params = params
        self._known = dict(known or {})
        self._types: dict[str, Type] = {}

    def define(self, name: str, expression: str) -> Program:
        """A variable. Raises ExpressionError; the variable is known all the same, without a type."""
        from steersman.cel import DYN

        self._types[name] = DYN
        program = self.compile(expression)
        self._types[name] = _declared(program.result)
        return program

    def declare(self, name: str, expression: str) -> None:
        """As `define`, for whoever needs only its type."""
        try:
            self.define(name, expression)
        except ExpressionError:
            # It has no type, then; what is wrong with it is said elsewhere.
            return

    def compile(self, expression: str, *returns: Type, authorizer: bool = True, mutation: bool = False) -> Program:
        """Raises ExpressionError."""
        env = environment(params=self._params, authorizer=authorizer, mutation=mutation)
        if self._known:
            env = env.extended(**self._known)
        if self._types:
            env = env.extended(variables=variables_type(self._types))
        return compile_in(env, expression, returns)


def variables_type(types: dict[str, Type]) -> Type:
    """The type of `variables`."""
    from steersman.cel.types import Field, object_of

    return object_of(_VARIABLES, {name: Field(t, name) for name, t in types.items()})


def _declared(found: Type) -> Type:
    """The type that a variable has for others: lists, maps and simple values keep theirs, the rest is of any type."""
    from steersman.cel import DYN, list_of, map_of

    if found.kind == "list":
        return list_of(_declared(found.params[0]))
    if found.kind == "map":
        return map_of(_declared(found.params[0]), _declared(found.params[1]))
    return found if found.kind in _SIMPLE else DYN
