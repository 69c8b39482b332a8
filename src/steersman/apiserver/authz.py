"""May this user do this? Role-based rules from the cluster's roles and bindings, and a built-in policy for the parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from steersman.api.errors import Forbidden
from steersman.api.http import User
from steersman.apiserver.requestinfo import RequestInfo

MASTERS = "system:masters"

_KNOWN = 8192


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is asked for. `resource` carries the subresource after a slash; a path request has only `verb` and `path`."""

    user: User
    verb: str
    is_resource: bool = True
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy rule, as in rbac.authorization.k8s.io/v1 PolicyRule."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def allows(self, a: Attributes) -> bool:
        if a.verb not in self.verbs and "*" not in self.verbs:
            return False
        if not a.is_resource:
            return any(_path_fits(p, a.path) for p in self.paths)
        if a.group not in self.groups and "*" not in self.groups:
            return False
        if not self._resource_fits(a):
            return False
        return not self.names or a.name in self.names

    def _resource_fits(self, a: Attributes) -> bool:
        full = a.full_resource
        for resource in self.resources:
            if resource in ("*", full) or (a.subresource and resource == f"*/{a.subresource}"):
                return True
        return False


def _path_fits(pattern: str, path: str) -> bool:
    return pattern == "*" or pattern == path or (pattern.endswith("*") and path.startswith(pattern[:-1]))


class RuleSource(Protocol):
    """Where a user's rules come from; the answer is the state of this moment."""

    def rules(self, user: User, namespace: str) -> Iterator[Rule]:
        """Every rule that holds for `user` in `namespace`; an empty namespace means the whole cluster only."""
        ...


class Authorizer:
    """Allows what any of its sources allows; members of system:masters may do everything.

    `generation` changes whenever the rules may have; what they allow is remembered until then.
    """

    def __init__(self, sources: Sequence[RuleSource], generation: Callable[[], int]) -> None:
        self._sources = tuple(sources)
        self._generation = generation
        self._remembered = generation()
        self._allowed: set[tuple[object, ...]] = set()
        """What is allowed whatever the name of the object is."""

    def allowed(self, attributes: Attributes) -> bool:
        user = attributes.user
        if MASTERS in user.groups:
            return True
        namespace = attributes.namespace if attributes.is_resource else ""
        return any(rule.allows(attributes) for source in self._sources for rule in source.rules(user, namespace))

    def rules(self, user: User, namespace: str) -> list[Rule]:
        if MASTERS in user.groups:
            return [Rule(("*",), ("*",), ("*",)), Rule(("*",), paths=("*",))]
        return [rule for source in self._sources for rule in source.rules(user, namespace)]

    def admit(self, info: RequestInfo, user: User) -> None:
        """As `check` for what a request asks for, but quicker where this user has done the same before."""
        if MASTERS in user.groups:
            return
        generation = self._generation()
        if generation != self._remembered:
            self._remembered = generation
            self._allowed.clear()
        asked = (user.name, user.groups, info.verb, info.resource, info.namespace, info.group, info.subresource)
        if info.is_resource and asked in self._allowed:
            return
        attributes = attributes_of(info, user)
        namespace = info.namespace if info.is_resource else ""
        for source in self._sources:
            for rule in source.rules(user, namespace):
                if rule.allows(attributes):
                    if info.is_resource and not rule.names:
                        self._remember(asked)
                    return
        raise forbidden(attributes)

    def _remember(self, asked: tuple[object, ...]) -> None:
        if len(self._allowed) >= _KNOWN:
            self._allowed.clear()
        self._allowed.add(asked)

    def check(self, attributes: Attributes) -> None:
        """Raise Forbidden, with the reason a user can act on, unless allowed."""
        if not self.allowed(attributes):
            raise forbidden(attributes)


def attributes_of(info: RequestInfo, user: User) -> Attributes:
    if not info.is_resource:
        return Attributes(user, info.verb, False, path=info.path)
    return Attributes(
        user, info.verb, True, info.group, info.resource, info.subresource, info.namespace, info.name, info.path
    )


def forbidden(a: Attributes) -> Forbidden:
    """The 403 for a request that no rule allows."""
    if not a.is_resource:
        why = f'User "{a.user.name}" cannot {a.verb} path "{a.path}"'
        return Forbidden(f"forbidden: {why}", details={})
    where = f'in the namespace "{a.namespace}"' if a.namespace else "at the cluster scope"
    why = f'User "{a.user.name}" cannot {a.verb} resource "{a.full_resource}" in API group "{a.group}" {where}'
    subject = f"{a.resource}.{a.group}" if a.group else a.resource
    if a.name:
        subject = f'{subject} "{a.name}"'
    details = {k: v for k, v in (("name", a.name), ("group", a.group), ("kind", a.resource)) if v}
    return Forbidden(f"{subject} is forbidden: {why}", details=details)
