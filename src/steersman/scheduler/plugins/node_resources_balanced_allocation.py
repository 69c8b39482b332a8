"""NodeResourcesBalancedAllocation: likes nodes whose CPU and memory would be used to a similar share."""

from __future__ import annotations

import numpy as np

from steersman.scheduler.framework import MAX_SCORE, Plugin
from steersman.scheduler.node_table import CPU, MEMORY, Ints, Mask, NodeTable
from steersman.scheduler.pod_info import PodInfo


def _score(pod: PodInfo, table: NodeTable, feasible: Mask) -> Ints:
    """100 less the standard deviation of the used shares; a pod that asks for nothing cannot unbalance a node, and a node
    with one of the two resources only is always balanced."""
    if pod.best_effort:
        return np.zeros(len(table.valid), np.int64)
    shares = []
    both = np.ones(len(table.valid), bool)
    for column, resource in ((CPU, "cpu"), (MEMORY, "memory")):
        capacity = table.allocatable[:, column]
        both &= capacity > 0
        requested = table.requested[:, column] + pod.requests.get(resource, 0)
        shares.append(np.minimum(requested / np.maximum(capacity, 1), 1.0))
    deviation = np.where(both, np.abs((shares[0] - shares[1]) / 2), 0.0)
    score: Ints = ((1 - deviation) * MAX_SCORE).astype(np.int64)
    return score


PLUGIN = Plugin("NodeResourcesBalancedAllocation", order=70, score=_score, weight=1)
