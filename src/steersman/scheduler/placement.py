"""Chooses a node for one pod: a plain function from the table to a placement, or to the reasons why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np

from steersman.scheduler.framework import Plugin
from steersman.scheduler.node_table import NodeTable
from steersman.scheduler.pod_info import PodInfo

NO_NODES = "no nodes available to schedule pods"


@dataclass(frozen=True, slots=True)
class Placement:
    """`node` is empty when no node fits; then `reasons` counts nodes by reason and `rejected_by` names the plugins."""

    node: str
    nodes: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    rejected_by: frozenset[str] = frozenset()

    @property
    def message(self) -> str:
        """What the FailedScheduling event says."""
        if not self.nodes:
            return NO_NODES
        counts = sorted(f"{count} {reason}" for reason, count in self.reasons.items())
        return f"0/{self.nodes} nodes are available: {', '.join(counts)}."


def place(pod: PodInfo, table: NodeTable, plugins: Sequence[Plugin]) -> Placement:
    """The best node by the sum of weighted scores; among equals the one with the fewest placements, then by a fixed hash."""
    alive = table.valid.copy()
    reasons: Counter[str] = Counter()
    rejected: set[str] = set()
    for plugin in plugins:
        if plugin.filter is None or not alive.any():
            continue
        ruled_out = np.zeros_like(alive)
        for failure in plugin.filter(pod, table):
            hit = failure.nodes & alive
            count = int(hit.sum())
            if count:
                reasons[failure.reason] += count
                rejected.add(plugin.name)
                ruled_out |= hit
        alive &= ~ruled_out
    if not alive.any():
        return Placement("", len(table), dict(reasons), frozenset(rejected))
    return Placement(table.names[_best(pod, table, plugins, alive)], len(table))


def _best(pod: PodInfo, table: NodeTable, plugins: Sequence[Plugin], alive: np.ndarray) -> int:
    rows = np.flatnonzero(alive)
    if len(rows) == 1:
        return int(rows[0])
    total = np.zeros(len(alive), np.int64)
    for plugin in plugins:
        if plugin.score is not None:
            total += plugin.weight * plugin.score(pod, table, alive).astype(np.int64)
    scores = total[rows]
    best = rows[scores == scores.max()]
    if len(best) > 1:
        placed = table.placements[best]
        best = best[placed == placed.min()]
    if len(best) > 1:
        return int(min(best, key=lambda row: (crc32(f"{pod.uid}/{table.names[row]}".encode()), row)))
    return int(best[0])
