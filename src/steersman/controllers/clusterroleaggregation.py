"""ClusterRoles with an aggregationRule have the rules of all ClusterRoles that its selectors find, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from steersman.api import codec, labels
from steersman.client.informer import key_of
from steersman.controller.declaration import Context, Controller, mapped
from steersman.kinds.types.rbac_v1 import ClusterRole, PolicyRule

MANAGER = "clusterrole-aggregation-controller"
_AGGREGATED = "aggregated"


def gathered(role: ClusterRole, others: Iterable[ClusterRole]) -> list[PolicyRule]:
    """The rules that `role` must have: selector by selector, role by role in the order of names, each rule once.

    A part that is itself a sum counts with what it must have, so that one look is enough for sums of sums.
    """
    return _gathered(role, sorted(others, key=lambda other: other.metadata.name), frozenset())


def _gathered(role: ClusterRole, ordered: Sequence[ClusterRole], seen: frozenset[str]) -> list[PolicyRule]:
    seen |= {role.metadata.name}
    rules: list[PolicyRule] = []
    for wanted in (role.aggregationRule.clusterRoleSelectors if role.aggregationRule is not None else None) or ():
        selector = labels.from_object(wanted)
        for other in ordered:
            if other.metadata.name == role.metadata.name or not selector.matches(other.metadata.labels):
                continue
            # Sums that are parts of each other have what is stored.
            whole = other.aggregationRule is None or other.metadata.name in seen
            parts = other.rules or () if whole else _gathered(other, ordered, seen)
            rules += [rule for rule in parts if rule not in rules]
    return rules


def _aggregated(role: ClusterRole) -> Sequence[str]:
    return (_AGGREGATED,) if role.aggregationRule is not None else ()


def _all_aggregated(context: Context, _: ClusterRole) -> Iterable[str]:
    """There are few, and which of them a role concerns may have changed with it: all are looked at."""
    informer = context.informers.informer(ClusterRole)
    return [key_of(role) for role in informer.by(_AGGREGATED, _AGGREGATED)]


class Aggregation:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._roles = context.informers.informer(ClusterRole)
        self._roles.add_index(_AGGREGATED, _aggregated)

    async def reconcile(self, key: str) -> None:
        role = self._roles.get(key)
        if role is None or role.aggregationRule is None:
            return
        rules = gathered(role, self._roles.items())
        if rules == (role.rules or []):
            return
        body = {
            "kind": "ClusterRole",
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "metadata": {"name": role.metadata.name},
            "rules": codec.to_builtins(rules),
        }
        await self._client.request(
            "PATCH",
            ClusterRole.__resource__.path("", role.metadata.name),
            query={"fieldManager": MANAGER, "force": True},
            headers={"content-type": "application/apply-patch+yaml"},
            body=body,
        )


CONTROLLER = Controller(
    name="clusterrole-aggregation",
    reconciler=Aggregation,
    watches=(mapped(ClusterRole, _all_aggregated),),
    account=MANAGER,
)
