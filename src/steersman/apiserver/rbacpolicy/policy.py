"""All default roles and bindings, and the objects that stand for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from steersman.apiserver.authz import Rule
from steersman.apiserver.rbacpolicy import (
    certificates,
    components,
    everybody,
    housekeeping,
    namespaces,
    networking,
    nodes,
    own,
    tenants,
    volumes,
    workloads,
)
from steersman.apiserver.rbacpolicy.declaration import GROUP, Binding, Role
from steersman.kinds.types import rbac_v1
from steersman.kinds.types.meta_v1 import LabelSelector, ObjectMeta

AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
AREAS = (
    everybody.AREA, tenants.AREA, components.AREA, nodes.AREA, certificates.AREA, workloads.AREA, networking.AREA, volumes.AREA,
    housekeeping.AREA, namespaces.AREA, own.AREA,
)  # fmt: skip
_BOOTSTRAPPING = ("kubernetes.io/bootstrapping", "rbac-defaults")
_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"


def objects() -> Iterator[Any]:
    """Every ClusterRole, ClusterRoleBinding, Role and RoleBinding as it is made; bindings after their roles."""
    for area in AREAS:
        yield from map(_role, area.roles)
        yield from map(_binding, area.bindings)


def _role(role: Role) -> Any:
    meta = _meta(role)
    rules = [policy_rule(rule) for rule in role.rules] or None
    if role.namespace:
        return rbac_v1.Role(metadata=meta, rules=rules)
    if role.part_of:
        meta.labels = {**(meta.labels or {}), _AGGREGATE + role.part_of: "true"}
    collected = None
    if role.collects:
        selector = LabelSelector(matchLabels={_AGGREGATE + role.collects: "true"})
        collected = rbac_v1.AggregationRule(clusterRoleSelectors=[selector])
    return rbac_v1.ClusterRole(metadata=meta, aggregationRule=collected, rules=rules)


def policy_rule(rule: Rule) -> rbac_v1.PolicyRule:
    """A rule as a role has it."""
    return rbac_v1.PolicyRule(
        verbs=list(rule.verbs),
        apiGroups=list(rule.groups) or None,
        resources=list(rule.resources) or None,
        resourceNames=list(rule.names) or None,
        nonResourceURLs=list(rule.paths) or None,
    )


def _binding(binding: Binding) -> Any:
    kind, cls = ("Role", rbac_v1.RoleBinding) if binding.namespace else ("ClusterRole", rbac_v1.ClusterRoleBinding)
    subjects = [
        rbac_v1.Subject(
            kind=s.kind, name=s.name, namespace=s.namespace, apiGroup="" if s.kind == "ServiceAccount" else GROUP
        )
        for s in binding.subjects
    ]
    ref = rbac_v1.RoleRef(apiGroup=GROUP, kind=kind, name=binding.role)
    return cls(metadata=_meta(binding), roleRef=ref, subjects=subjects or None)


def _meta(declared: Role | Binding) -> ObjectMeta:
    label, value = _BOOTSTRAPPING
    labels = None if declared.ours else {label: value}
    annotations = {AUTOUPDATE: "true"}
    return ObjectMeta(name=declared.name, namespace=declared.namespace, labels=labels, annotations=annotations)
