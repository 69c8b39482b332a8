"""Whether the expressions of a webhook (`matchConditions`) let a request through to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from steersman.api import identities
from steersman.api.http import User
from steersman.apiserver.authz import Attributes, Authorizer, Decision, field_selector, label_selector
from steersman.cel import MATCH_CONDITIONS_BUDGET, EvalError
from steersman.cel.errors import OUT_OF_BUDGET
from steersman.cel.library import authz
from steersman.cel.library.authz import Question
from steersman.kinds.admissionregistration import match_conditions
from steersman.kinds.admissionregistration.expressions import ExpressionError
from steersman.kinds.types.admissionregistration_v1 import MatchCondition

_T = TypeVar("_T")


class Undecided(Exception):
    """Expressions failed, and none of the others is false; the text says how."""


class Pending(Exception):
    """Expressions cannot go on before somebody outside of the process has answered: `settle` waits for that."""

    def __init__(self, settle: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.settle = settle


class Asker:
    """What expressions ask the authorizer, for one request; each question is asked once."""

    def __init__(self, authorizer: Authorizer, user: User) -> None:
        self._authorizer, self._user = authorizer, user
        self._known: dict[Question, Decision] = {}

    def __call__(self, question: Question) -> tuple[bool, str, str]:
        """The answer. Raises Pending when it is not known yet."""
        decision = self._known.get(question)
        if decision is None:
            found = self._authorizer.decide(_attributes(self._user, question))
            if not isinstance(found, Decision):
                raise Pending(partial(self._learn, question, found))
            decision = self._known[question] = found
        return decision.allowed, decision.reason, decision.error

    async def _learn(self, question: Question, ask: Callable[[], Awaitable[Decision]]) -> None:
        self._known[question] = await ask()


async def answered(compute: Callable[[], _T]) -> _T:
    """What `compute` makes of expressions. It begins anew after each question that somebody else has to answer, and must
    leave nothing behind when it ends early; where no such authorizer is configured, it runs once and nothing waits."""
    while True:
        try:
            return compute()
        except Pending as pending:
            await pending.settle()


def variables(about: Mapping[str, Any], new: Any, old: Any, user: User, authorizer: Authorizer) -> dict[str, Any]:
    """What expressions see of a request; `about` is the request without its objects."""
    ask = Asker(authorizer, user)
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


def _attributes(user: User, question: Question) -> Attributes:
    if question.service_account is not None:
        namespace, name = question.service_account
        groups = (*identities.service_account_groups(namespace), identities.AUTHENTICATED)
        user = User(identities.service_account(namespace, name), groups)
    return Attributes(
        user,
        question.verb,
        not question.path,
        question.group,
        question.resource,
        question.subresource,
        question.namespace,
        question.name,
        question.path,
        "*",
        field_selector(question.field_selector),
        label_selector(question.label_selector),
    )


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
            raise Undecided(OUT_OF_BUDGET)
    if verdict and errors:
        raise Undecided(errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]")
    return verdict
