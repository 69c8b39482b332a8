"""TaintToleration: NoSchedule and NoExecute taints rule nodes out; PreferNoSchedule taints make them less liked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steersman.kinds.core.node_selection import NO_EXECUTE, NO_SCHEDULE, untolerated
from steersman.scheduler.framework import Failure, Plugin, normalize
from steersman.scheduler.node_table import Ints, Mask, NodeTable
from steersman.scheduler.pod_info import PodInfo

_HARD = (NO_SCHEDULE, NO_EXECUTE)
_SOFT = "PreferNoSchedule"


def _filter(pod: PodInfo, table: NodeTable) -> Sequence[Failure]:
    hard = [number for number, taints in enumerate(table.taint_classes) if untolerated(taints, pod.tolerations, *_HARD)]
    # Which taint it was is not told: users who see the pod may not be allowed to see the nodes.
    return (Failure("node(s) had untolerated taint(s)", np.isin(table.taint_class, hard)),) if hard else ()


def _score(pod: PodInfo, table: NodeTable, feasible: Mask) -> Ints:
    soft = [t for t in pod.tolerations if t.effect in ("", _SOFT)]
    counts = np.array([sum(untolerated((t,), soft, _SOFT) for t in taints) for taints in table.taint_classes], np.int64)
    return normalize(counts[table.taint_class], feasible, reverse=True)


PLUGIN = Plugin("TaintToleration", order=30, filter=_filter, score=_score, weight=3)
