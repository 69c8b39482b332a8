"""Which nodes a pod may run on by its own words: node name, selector, required affinity, and tolerated taints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steersman.kinds.types.core_v1 import (
        Node,
        NodeSelectorRequirement,
        NodeSelectorTerm,
        PodSpec,
        Taint,
        Toleration,
    )

NO_SCHEDULE, NO_EXECUTE = "NoSchedule", "NoExecute"

# What Go's ParseInt takes.
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)


def wants(spec: PodSpec, node: Node) -> bool:
    """Whether the node is one that the pod requires; taints are not asked."""
    return spec.nodeName in ("", node.metadata.name) and selects(spec, node)


def selects(spec: PodSpec, node: Node) -> bool:
    """Whether selector and required affinity allow the node."""
    labels = node.metadata.labels or {}
    if any(labels.get(key) != value for key, value in (spec.nodeSelector or {}).items()):
        return False
    affinity = spec.affinity.nodeAffinity if spec.affinity is not None else None
    required = affinity.requiredDuringSchedulingIgnoredDuringExecution if affinity is not None else None
    return required is None or any(matches_term(term, node) for term in required.nodeSelectorTerms)


def untolerated(taints: Iterable[Taint], tolerations: Iterable[Toleration], *effects: str) -> bool:
    """Whether a taint with one of the effects is not tolerated."""
    known = list(tolerations)
    return any(t.effect in effects and not any(tolerates(k, t) for k in known) for t in taints)


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether one toleration covers the taint; an empty effect covers all, and an empty key with Exists every key."""
    if toleration.effect not in ("", taint.effect) or toleration.key not in ("", taint.key):
        return False
    if toleration.operator == "Exists":
        return True
    if not toleration.key:
        return False
    if toleration.operator in ("Gt", "Lt"):
        return _compare(toleration.operator, taint.value, toleration.value)
    return toleration.operator in ("", "Equal") and toleration.value == taint.value


def matches_term(term: NodeSelectorTerm, node: Node) -> bool:
    """All of a term's requirements; a term without any matches nothing."""
    expressions, fields = term.matchExpressions or (), term.matchFields or ()
    if not expressions and not fields:
        return False
    labels, by_field = node.metadata.labels or {}, {"metadata.name": node.metadata.name}
    return all(_holds(r, labels) for r in expressions) and all(_holds(r, by_field) for r in fields)


def _holds(requirement: NodeSelectorRequirement, values: Mapping[str, str]) -> bool:
    value, wanted = values.get(requirement.key), requirement.values or ()
    match requirement.operator:
        case "In":
            return value is not None and value in wanted
        case "NotIn":
            return value is None or value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            return value is not None and len(wanted) == 1 and _compare(operator, value, wanted[0])
    return False


def _compare(operator: str, value: str, limit: str) -> bool:
    if not (_INTEGER.fullmatch(value) and _INTEGER.fullmatch(limit)):
        return False
    return int(value) > int(limit) if operator == "Gt" else int(value) < int(limit)
