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
    """The rules that `role` must have: selector by selector, role by role in the order of names, each rule once."""
    rules: list[PolicyRule] = []
    ordered = sorted(others, key=lambda other: other.metadata.name)
    for wanted in (role.aggregationRule.clusterRoleSelectors if role.aggregationRule is not None else None) or ():
        selector = labels.from_object(wanted)
        for other in ordered:
            if other.metadata.name != role.metadata.name and selector.matches(other.metadata.labels):
                rules += [rule for rule in other.rules or () if rule not in rules]
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
