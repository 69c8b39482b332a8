"""The expressions that narrow down what a webhook authorizer is asked about: they see the review as `request`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from steersman.apiserver.authz import aggregate

if TYPE_CHECKING:
    from steersman.cel import Env, Program


class Undecided(Exception):
    """An expression failed, and none is false; the text says how."""


def problem(expression: str) -> str:
    """Why an expression cannot be used; "" if it can."""
    from steersman.kinds.admissionregistration.expressions import ExpressionError

    try:
        compiled(expression)
    except ExpressionError as error:
        return str(error)
    return ""


@lru_cache(maxsize=512)
def compiled(expression: str) -> Program:
    """Raises ExpressionError."""
    from steersman.cel import BOOL
    from steersman.kinds.admissionregistration.expressions import compile_in

    return compile_in(_environment(), expression, (BOOL,))


@lru_cache
def _environment() -> Env:
    from steersman.cel import KUBERNETES, Env
    from steersman.cel.types import LIST_OF_STRING, STRING, Field, Type, list_of, map_of, object_of

    def named(called: str, /, **fields: Type) -> Type:
        return object_of(f"kubernetes.{called}", {key: Field(t, key) for key, t in fields.items()})

    requirement = named("SelectorRequirement", key=STRING, operator=STRING, values=LIST_OF_STRING)
    resource = named(
        "ResourceAttributes",
        **dict.fromkeys(("namespace", "verb", "group", "version", "resource", "subresource", "name"), STRING),
        fieldSelector=named("FieldSelectorAttributes", rawSelector=STRING, requirements=list_of(requirement)),
        labelSelector=named("LabelSelectorAttributes", rawSelector=STRING, requirements=list_of(requirement)),
    )
    request = named(
        "SubjectAccessReviewSpec",
        resourceAttributes=resource,
        nonResourceAttributes=named("NonResourceAttributes", path=STRING, verb=STRING),
        user=STRING,
        groups=LIST_OF_STRING,
        extra=map_of(STRING, LIST_OF_STRING),
        uid=STRING,
    )
    return Env({"request": request}, KUBERNETES)


def hold(expressions: Sequence[str], spec: Mapping[str, Any]) -> bool:
    """Whether all are true for a review's spec: one that is false decides. Raises Undecided."""
    from steersman.cel import EvalError

    values = {"request": _shown(spec)}
    errors: list[str] = []
    for expression in expressions:
        try:
            if compiled(expression).evaluate(values) is not True:
                return False
        except EvalError as error:
            errors.append(f"cel evaluation error: expression '{expression}' resulted in error: {error}")
    if errors:
        raise Undecided(aggregate(errors))
    return True


def _shown(spec: Mapping[str, Any]) -> dict[str, Any]:
    """With all texts, also those that are empty."""
    shown: dict[str, Any] = {"user": "", "groups": [], "uid": "", "extra": {}, **spec}
    resource = shown.get("resourceAttributes")
    if resource is not None:
        texts = dict.fromkeys(("namespace", "verb", "group", "version", "resource", "subresource", "name"), "")
        shown["resourceAttributes"] = {**texts, **resource}
    return shown
