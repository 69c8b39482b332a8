"""TaintToleration: NoSchedule and NoExecute taints rule nodes out; PreferNoSchedule taints make them less liked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steersman.kinds.types.core_v1 import Taint, Toleration
from steersman.scheduler.framework import Failure, Plugin, normalize
from steersman.scheduler.node_table import Ints, Mask, NodeTable
from steersman.scheduler.pod_info import PodInfo

_HARD = ("NoSchedule", "NoExecute")
_SOFT = "PreferNoSchedule"


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether one toleration covers the taint (empty effect and empty key with Exists cover all)."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    match toleration.operator or "Equal":
        case "Exists":
            return True
        case "Equal":
            return bool(toleration.key) and toleration.value == taint.value
        case "Lt" | "Gt" as operator:
            return _compare(operator, toleration.value, taint.value)
    return False


def _compare(operator: str, wanted: str, actual: str) -> bool:
    """Numeric tolerations: the taint's value is less or greater than the toleration's (KEP-5471)."""
    try:
        limit, value = int(wanted), int(actual)
    except ValueError:
        return False
    return value < limit if operator == "Lt" else value > limit


def tolerated(taint: Taint, tolerations: Sequence[Toleration]) -> bool:
    return any(tolerates(t, taint) for t in tolerations)


def _filter(pod: PodInfo, table: NodeTable) -> Sequence[Failure]:
    hard = [number for number, taints in enumerate(table.taint_classes) if _repelled(taints, pod.tolerations)]
    # Which taint it was is not told: users who see the pod may not be allowed to see the nodes.
    return (Failure("node(s) had untolerated taint(s)", np.isin(table.taint_class, hard)),) if hard else ()


def _repelled(taints: Sequence[Taint], tolerations: Sequence[Toleration]) -> bool:
    return any(t.effect in _HARD and not tolerated(t, tolerations) for t in taints)


def _score(pod: PodInfo, table: NodeTable, feasible: Mask) -> Ints:
    soft = [t for t in pod.tolerations if t.effect in ("", _SOFT)]
    counts = np.array(
        [sum(t.effect == _SOFT and not tolerated(t, soft) for t in taints) for taints in table.taint_classes], np.int64
    )
    return normalize(counts[table.taint_class], feasible, reverse=True)


PLUGIN = Plugin("TaintToleration", order=30, filter=_filter, score=_score, weight=3)
