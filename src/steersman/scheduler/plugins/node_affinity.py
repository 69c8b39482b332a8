"""NodeAffinity: nodeSelector and node affinity, required and preferred, over node labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from steersman.kinds.types.core_v1 import Node, NodeSelectorRequirement, NodeSelectorTerm
from steersman.scheduler.framework import Failure, Plugin, normalize
from steersman.scheduler.node_table import Ints, Mask, NodeTable
from steersman.scheduler.pod_info import PodInfo

# What Go's ParseInt takes.
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_REASON = "node(s) didn't match Pod's node affinity/selector"


def matches_requirement(requirement: NodeSelectorRequirement, values: Mapping[str, str]) -> bool:
    """One requirement on labels (or on fields, where only metadata.name exists)."""
    present = requirement.key in values
    value = values.get(requirement.key, "")
    match requirement.operator:
        case "In":
            return present and value in (requirement.values or [])
        case "NotIn":
            return not present or value not in (requirement.values or [])
        case "Exists":
            return present
        case "DoesNotExist":
            return not present
        case "Gt" | "Lt":
            return present and _compare(requirement, value)
    return False


def _compare(requirement: NodeSelectorRequirement, value: str) -> bool:
    limit = (requirement.values or [""])[0]
    if not (_INTEGER.fullmatch(value) and _INTEGER.fullmatch(limit)):
        return False
    return int(value) > int(limit) if requirement.operator == "Gt" else int(value) < int(limit)


def matches_term(term: NodeSelectorTerm, node: Node) -> bool:
    """All requirements of a term; a term without any matches nothing."""
    if not term.matchExpressions and not term.matchFields:
        return False
    labels = node.metadata.labels or {}
    fields = {"metadata.name": node.metadata.name}
    return all(matches_requirement(r, labels) for r in term.matchExpressions or []) and all(
        matches_requirement(r, fields) for r in term.matchFields or []
    )


def matches(pod: PodInfo, node: Node) -> bool:
    """Whether the node is one that the pod requires."""
    labels = node.metadata.labels or {}
    selector = pod.pod.spec.nodeSelector or {}
    if any(labels.get(key) != value for key, value in selector.items()):
        return False
    affinity = pod.node_affinity
    required = affinity.requiredDuringSchedulingIgnoredDuringExecution if affinity else None
    return required is None or any(matches_term(term, node) for term in required.nodeSelectorTerms)


def _filter(pod: PodInfo, table: NodeTable) -> Sequence[Failure]:
    affinity = pod.node_affinity
    if not pod.pod.spec.nodeSelector and not (affinity and affinity.requiredDuringSchedulingIgnoredDuringExecution):
        return ()
    out = np.zeros(len(table.valid), bool)
    for row in table.row_of.values():
        node = table.nodes[row]
        out[row] = node is None or not matches(pod, node)
    return (Failure(_REASON, out),)


def _score(pod: PodInfo, table: NodeTable, feasible: Mask) -> Ints:
    raw = np.zeros(len(table.valid), np.int64)
    affinity = pod.node_affinity
    preferred = (affinity.preferredDuringSchedulingIgnoredDuringExecution if affinity else None) or []
    for row in np.flatnonzero(feasible) if preferred else ():
        node = table.nodes[row]
        if node is not None:
            raw[row] = sum(p.weight for p in preferred if matches_term(p.preference, node))
    return normalize(raw, feasible)


PLUGIN = Plugin("NodeAffinity", order=40, filter=_filter, score=_score, weight=2)
