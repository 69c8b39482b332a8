"""Whether the expressions of a webhook (`matchConditions`) let a request through to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from steersman.api.http import User
from steersman.apiserver.authz import Attributes, Authorizer
from steersman.cel import MATCH_CONDITIONS_BUDGET, EvalError
from steersman.cel.library import authz
from steersman.cel.library.authz import Question
from steersman.kinds.admissionregistration import match_conditions
from steersman.kinds.admissionregistration.expressions import ExpressionError
from steersman.kinds.types.admissionregistration_v1 import MatchCondition

_OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"
_ACCOUNTS = "system:serviceaccounts"


class Undecided(Exception):
    """Expressions failed, and none of the others is false; the text says how."""


def variables(about: Mapping[str, Any], new: Any, old: Any, user: User, authorizer: Authorizer) -> dict[str, Any]:
    """What expressions see of a request; `about` is the request without its objects."""
    ask = partial(_ask, authorizer, user)
    resource = about["resource"]
    question = Question(
        "",
        group=resource["group"],
        resource=resource["resource"],
        subresource=about.get("subResource", ""),
        namespace=about.get("namespace", ""),
        name=about.get("name", ""),
    )
    return {
        "object": new,
        "oldObject": old,
        "request": about,
        "namespaceObject": None,
        "authorizer": authz.Authorizer(ask, Question("")),
        "authorizer.requestResource": authz.ResourceCheck(ask, question),
    }


def _ask(authorizer: Authorizer, user: User, question: Question) -> tuple[bool, str, str]:
    if question.service_account is not None:
        namespace, name = question.service_account
        groups = (_ACCOUNTS, f"{_ACCOUNTS}:{namespace}", "system:authenticated")
        user = User(f"system:serviceaccount:{namespace}:{name}", groups)
    attributes = Attributes(
        user,
        question.verb,
        not question.path,
        question.group,
        question.resource,
        question.subresource,
        question.namespace,
        question.name,
        question.path,
    )
    return authorizer.allowed(attributes), "", ""


def hold(conditions: Sequence[MatchCondition], values: Mapping[str, Any], *, params: bool = False) -> bool:
    """Whether all are true: one that is false decides, whatever happens to the others. Raises Undecided."""
    left = MATCH_CONDITIONS_BUDGET
    errors: list[str] = []
    verdict = True
    for condition in conditions:
        try:
            program = match_conditions.compiled(condition.expression, params=params)
        except ExpressionError as error:
            errors.append(f"compilation error: {error}")
            continue
        try:
            value, cost = program.measure(values)
            verdict = verdict and value is True
        except EvalError as error:
            cost = error.cost
            errors.append(f"expression '{condition.expression}' resulted in error: {error}")
        left -= cost
        if left < 0:
            # As if nothing had been evaluated: what the others say counts no more.
            raise Undecided(_OUT_OF_BUDGET)
    if verdict and errors:
        raise Undecided(errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]")
    return verdict
