"""Questions to the authorizer: `authorizer.group('apps').resource('deployments').check('create').allowed()`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from steersman.api import names
from steersman.cel.costs import LIST, OBJECT, Cost, Operand, Range, fixed
from steersman.cel.errors import EvalError
from steersman.cel.functions import Library, Overload, method
from steersman.cel.types import BOOL, STRING, opaque
from steersman.cel.values import Opaque, size_of

AUTHORIZER_TYPE = opaque("kubernetes.authorization.Authorizer")
PATH_CHECK_TYPE = opaque("kubernetes.authorization.PathCheck")
GROUP_CHECK_TYPE = opaque("kubernetes.authorization.GroupCheck")
RESOURCE_CHECK_TYPE = opaque("kubernetes.authorization.ResourceCheck")
DECISION_TYPE = opaque("kubernetes.authorization.Decision")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a verb on a path, or on a resource. `service_account` is (namespace, name) of who asks, if it is
    not the user of the request."""

    verb: str
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""
    label_selector: str = ""
    service_account: tuple[str, str] | None = None


class Ask(Protocol):
    """Answers a question: whether it is allowed, why, and what went wrong ("" for nothing)."""

    def __call__(self, question: Question, /) -> tuple[bool, str, str]: ...


class _Check(Opaque):
    """A step of building a question."""

    __slots__ = ("ask", "question")

    def __init__(self, ask: Ask, question: Question) -> None:
        self.ask = ask
        self.question = question

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.question == other.question

    def __hash__(self) -> int:
        return hash(self.question)


class Authorizer(_Check):
    """The value of the variable `authorizer`: `Authorizer(ask, Question(""))`."""

    __slots__ = ()
    cel_type = AUTHORIZER_TYPE


class PathCheck(_Check):
    __slots__ = ()
    cel_type = PATH_CHECK_TYPE


class GroupCheck(_Check):
    __slots__ = ()
    cel_type = GROUP_CHECK_TYPE


class ResourceCheck(_Check):
    """The value of the variable `authorizer.requestResource`, with the request's resource for its question."""

    __slots__ = ()
    cel_type = RESOURCE_CHECK_TYPE


class Decision(Opaque):
    """An answer."""

    __slots__ = ("allowed", "error", "reason")
    cel_type = DECISION_TYPE

    def __init__(self, allowed: bool, reason: str, error: str) -> None:
        self.allowed = allowed
        self.reason = reason
        self.error = error


def _path(check: _Check, path: str) -> PathCheck:
    if not path.strip():
        raise EvalError("path must not be empty")
    return PathCheck(check.ask, replace(check.question, path=path))


def _service_account(check: _Check, namespace: str, name: str) -> Authorizer:
    if names.dns1123_subdomain(name):
        raise EvalError("Invalid service account name")
    if names.dns1123_label(namespace):
        raise EvalError("Invalid service account namespace")
    return Authorizer(check.ask, replace(check.question, service_account=(namespace, name)))


def _resource(check: _Check, resource: str) -> ResourceCheck:
    if not resource.strip():
        raise EvalError("resource must not be empty")
    return ResourceCheck(check.ask, replace(check.question, resource=resource))


def _narrowed(part: str) -> Callable[[_Check, str], ResourceCheck]:
    def run(check: _Check, value: str) -> ResourceCheck:
        changes: dict[str, Any] = {part: value}
        return ResourceCheck(check.ask, replace(check.question, **changes))

    return run


def _check(check: _Check, verb: str) -> Decision:
    return Decision(*check.ask(replace(check.question, verb=verb)))


def _selector_size(size: int) -> int:
    return LIST - (-size // 10) + -(-size // 2) * (LIST + OBJECT)


def _selector_bounds(args: Sequence[Operand]) -> tuple[Range, None]:
    size = args[1].size
    return fixed(LIST).plus(size.by(0.1)).plus(size.by(0.5).by(LIST + OBJECT)), None


_ASKING = Cost(lambda args: 350_000, lambda args: (fixed(350_000), None))
_SELECTOR = Cost(lambda args: _selector_size(size_of(args[1])), _selector_bounds)


def _parts() -> list[Overload]:
    resource = (RESOURCE_CHECK_TYPE, STRING)
    return [
        *(
            method(part, f"resourcecheck_{part}", resource, RESOURCE_CHECK_TYPE, _narrowed(part))
            for part in ("subresource", "namespace", "name")
        ),
        method(
            "fieldSelector",
            "authorizer_fieldselector",
            resource,
            RESOURCE_CHECK_TYPE,
            _narrowed("field_selector"),
            _SELECTOR,
        ),
        method(
            "labelSelector",
            "authorizer_labelselector",
            resource,
            RESOURCE_CHECK_TYPE,
            _narrowed("label_selector"),
            _SELECTOR,
        ),
    ]


LIBRARY = Library(
    "kubernetes.authz",
    [
        method("path", "authorizer_path", (AUTHORIZER_TYPE, STRING), PATH_CHECK_TYPE, _path),
        method(
            "group",
            "authorizer_group",
            (AUTHORIZER_TYPE, STRING),
            GROUP_CHECK_TYPE,
            lambda check, group: GroupCheck(check.ask, replace(check.question, group=group)),
        ),
        method(
            "serviceAccount",
            "authorizer_serviceaccount",
            (AUTHORIZER_TYPE, STRING, STRING),
            AUTHORIZER_TYPE,
            _service_account,
        ),
        method("resource", "groupcheck_resource", (GROUP_CHECK_TYPE, STRING), RESOURCE_CHECK_TYPE, _resource),
        *_parts(),
        method("check", "pathcheck_check", (PATH_CHECK_TYPE, STRING), DECISION_TYPE, _check, _ASKING),
        method("check", "resourcecheck_check", (RESOURCE_CHECK_TYPE, STRING), DECISION_TYPE, _check, _ASKING),
        method("errored", "decision_errored", (DECISION_TYPE,), BOOL, lambda d: d.error != ""),
        method("error", "decision_error", (DECISION_TYPE,), STRING, lambda d: d.error),
        method("allowed", "decision_allowed", (DECISION_TYPE,), BOOL, lambda d: d.allowed),
        method("reason", "decision_reason", (DECISION_TYPE,), STRING, lambda d: d.reason),
    ],
)
