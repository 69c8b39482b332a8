"""NodeAffinity: nodeSelector and node affinity, required and preferred, over node labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steersman.kinds.core.node_selection import matches_term, selects
from steersman.scheduler.framework import Failure, Plugin, normalize
from steersman.scheduler.node_table import Ints, Mask, NodeTable
from steersman.scheduler.pod_info import PodInfo

_REASON = "node(s) didn't match Pod's node affinity/selector"


def _filter(pod: PodInfo, table: NodeTable) -> Sequence[Failure]:
    affinity = pod.node_affinity
    if not pod.pod.spec.nodeSelector and not (affinity and affinity.requiredDuringSchedulingIgnoredDuringExecution):
        return ()
    out = np.zeros(len(table.valid), bool)
    for row in table.row_of.values():
        node = table.nodes[row]
        out[row] = node is None or not selects(pod.pod.spec, node)
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
