"""Which FlowSchema is a request's: the first in the order of precedence that has a rule for who asks and what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from steersman.api.http import User
from steersman.api.identities import service_account
from steersman.apiserver.requestinfo import RequestInfo


def in_order(schemas: Sequence[Any]) -> list[Any]:
    """FlowSchemas in the order in which they are tried: by precedence, then by name."""
    return sorted(schemas, key=lambda s: (s.spec.matchingPrecedence or 0, s.metadata.name))


def matches(schema: Any, user: User, info: RequestInfo) -> bool:
    """Whether one of the schema's rules is about this request."""
    return any(_rule(rule, user, info) for rule in schema.spec.rules or ())


def _rule(rule: Any, user: User, info: RequestInfo) -> bool:
    if not any(_subject(subject, user) for subject in rule.subjects):
        return False
    if info.is_resource:
        return any(_resource(r, info) for r in rule.resourceRules or ())
    return any(_has(r.verbs, info.verb) and _path(r.nonResourceURLs, info.path) for r in rule.nonResourceRules or ())


def _subject(subject: Any, user: User) -> bool:
    if subject.user is not None:
        return subject.user.name in ("*", user.name)
    if subject.group is not None:
        return subject.group.name == "*" or subject.group.name in user.groups
    account = subject.serviceAccount
    if account is None:
        return False
    if account.name == "*":
        return user.name.startswith(service_account(account.namespace, ""))
    return user.name == service_account(account.namespace, account.name)


def _resource(rule: Any, info: RequestInfo) -> bool:
    resource = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
    if not (_has(rule.verbs, info.verb) and _has(rule.resources, resource) and _has(rule.apiGroups, info.group)):
        return False
    return _has(rule.namespaces or (), info.namespace) if info.namespace else bool(rule.clusterScope)


def _has(values: Sequence[str], value: str) -> bool:
    return "*" in values or value in values


def _path(patterns: Sequence[str], path: str) -> bool:
    for pattern in patterns:
        if pattern in ("*", path):
            return True
        # A pattern stands for what is below it too, whether or not it ends in a star.
        folder = pattern.removesuffix("*")
        if path.startswith(folder if folder.endswith("/") else folder + "/"):
            return True
    return False
