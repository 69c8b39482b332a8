"""NodeResourcesFit: the requests must fit into what is left; nodes with more left are liked better (LeastAllocated)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steersman.scheduler.framework import MAX_SCORE, Failure, Plugin
from steersman.scheduler.node_table import CPU, MEMORY, PODS, Ints, Mask, NodeTable
from steersman.scheduler.pod_info import PodInfo


def _filter(pod: PodInfo, table: NodeTable) -> Sequence[Failure]:
    out = [Failure("Too many pods", table.pod_count + 1 > table.allocatable[:, PODS])]
    for resource, value in pod.requests.items():
        if value > 0:
            column = table.column(resource)
            short = table.requested[:, column] + value > table.allocatable[:, column]
            out.append(Failure(f"Insufficient {resource}", short))
    return out


def _score(pod: PodInfo, table: NodeTable, feasible: Mask) -> Ints:
    """The share of CPU and memory that would be left, as whole percent each, averaged in integers."""
    total = np.zeros(len(table.valid), np.int64)
    weights = np.zeros(len(table.valid), np.int64)
    for column, wanted, used in ((CPU, pod.nonzero[0], 0), (MEMORY, pod.nonzero[1], 1)):
        capacity = table.allocatable[:, column]
        requested = table.nonzero[:, used] + wanted
        known = capacity > 0
        left = np.where(known & (requested <= capacity), capacity - requested, 0)
        total += left * MAX_SCORE // np.maximum(capacity, 1)
        weights += known
    return total // np.maximum(weights, 1)


PLUGIN = Plugin("NodeResourcesFit", order=60, filter=_filter, score=_score, weight=1)
