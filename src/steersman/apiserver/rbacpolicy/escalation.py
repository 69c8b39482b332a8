"""Who may write a role or a binding: whoever has all the rights in it already, or the right to go beyond (escalate, bind)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from steersman.api.errors import Forbidden, NotFound
from steersman.api.field import quote
from steersman.api.http import User
from steersman.api.identities import MASTERS
from steersman.api.meta import Resource
from steersman.apiserver.admission.collection import only_for_garbage_collection
from steersman.apiserver.admission.framework import Review
from steersman.apiserver.authz import Attributes, Rule, Rules, aggregate
from steersman.apiserver.rbacpolicy.coverage import describe, missing, quoted
from steersman.apiserver.rbacpolicy.declaration import GROUP

EVERYTHING = (Rule(("*",), ("*",), ("*",)), Rule(("*",), paths=("*",)))
_BINDINGS = ("clusterrolebindings", "rolebindings")
_ROLES: Mapping[str, Resource] = {
    "ClusterRole": Resource(GROUP, "v1", "clusterroles", "ClusterRole", False),
    "Role": Resource(GROUP, "v1", "roles", "Role", True),
}


class Rights(Protocol):
    """What roles and bindings give at this moment."""

    def rules(self, user: User, namespace: str) -> Rules:
        """A user's rules in a namespace, or in the whole cluster without one."""
        ...

    def rules_of(self, plural: str, namespace: str, name: str) -> Sequence[Rule] | None:
        """The rules of a role (`clusterroles` or `roles`); None when there is none."""
        ...


Allowed = Callable[[Attributes], Awaitable[bool]]


class Guard:
    """Refuses writes of roles and bindings by which their writer would give away more than they have."""

    def __init__(self, rights: Rights, allowed: Allowed) -> None:
        self._rights = rights
        self._allowed = allowed

    async def check(self, review: Review, asked: str) -> None:
        """Raise Forbidden unless the user may write this object; `asked` is the name in the request's path."""
        if MASTERS in review.user.groups:
            return
        if review.resource.plural in _BINDINGS:
            await self._check_binding(review)
        else:
            await self._check_role(review, asked)

    async def _check_role(self, review: Review, asked: str) -> None:
        resource = review.resource
        escalate = Attributes(
            review.user, "escalate", True, resource.group, resource.plural, namespace=review.namespace, name=asked
        )
        if await self._allowed(escalate) or only_for_garbage_collection(review.object, review.old):
            return
        self._check_rules(review, map(Rule.of, review.object.rules or ()))
        if resource.plural != "clusterroles" or not (_collects(review.object) or _collects(review.old)):
            return
        # It can gather anything.
        if missing(self._rights.rules(review.user, "").rules, EVERYTHING):
            raise Forbidden.of(resource, review.name, "must have cluster-admin privileges to use the aggregationRule")

    async def _check_binding(self, review: Review) -> None:
        if only_for_garbage_collection(review.object, review.old):
            return
        ref = review.object.roleRef
        role = _ROLES.get(ref.kind)
        if role is None or (role.namespaced and not review.namespace):
            # Validation says what is wrong with it.
            return
        bind = Attributes(
            review.user, "bind", True, ref.apiGroup, role.plural, namespace=review.namespace, name=ref.name
        )
        if await self._allowed(bind):
            return
        found = self._rights.rules_of(role.plural, review.namespace if role.namespaced else "", ref.name)
        if found is None:
            raise NotFound.of(role, ref.name)
        self._check_rules(review, found)

    def _check_rules(self, review: Review, wanted: Iterable[Rule]) -> None:
        user = review.user
        owned = self._rights.rules(user, review.namespace)
        lacking = missing(owned.rules, wanted)
        if not lacking:
            return
        lines = "\n".join(sorted({describe(rule) for rule in lacking}))
        why = (
            f"user {quote(user.name)} (groups={quoted(user.groups)}) is attempting to grant RBAC permissions "
            f"not currently held:\n{lines}"
        )
        if owned.errors:
            why += f"; resolution errors: [{aggregate(owned.errors)}]"
        raise Forbidden.of(review.resource, review.name, why)


def _collects(role: Any) -> bool:
    return role is not None and role.aggregationRule is not None and bool(role.aggregationRule.clusterRoleSelectors)
