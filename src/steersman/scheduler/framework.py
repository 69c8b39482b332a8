"""The plugin boundary: filters that rule nodes out with a reason, and scores that rank the rest, all nodes at once."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steersman.scheduler.node_table import Ints, Mask, NodeTable
from steersman.scheduler.pod_info import PodInfo

MAX_SCORE = 100


@dataclass(frozen=True, slots=True)
class Failure:
    """Nodes that a filter rules out, and why, in the words users know from FailedScheduling events."""

    reason: str
    nodes: Mask


Filter = Callable[[PodInfo, NodeTable], Sequence[Failure]]
Score = Callable[[PodInfo, NodeTable, Mask], "Ints | NDArray[np.float64]"]


@dataclass(frozen=True, slots=True)
class Plugin:
    """One scheduling rule. A filter returns the nodes it rules out (none: all pass); it may look at every row, valid or not.

    A score is between 0 and 100 for each row that the mask marks as feasible (other rows are ignored), times `weight`.
    Filters run by `order`; a node is counted under the first plugin that rules it out.
    """

    name: str
    order: int
    filter: Filter | None = None
    score: Score | None = None
    weight: int = 1


def discover() -> tuple[Plugin, ...]:
    """Every plugin in the plugins package, in order."""
    package = importlib.import_module("steersman.scheduler.plugins")
    found = [
        importlib.import_module(f"{package.__name__}.{module.name}").PLUGIN
        for module in pkgutil.iter_modules(package.__path__)
    ]
    return tuple(sorted(found, key=lambda p: p.order))


def normalize(raw: Ints, feasible: Mask, *, reverse: bool = False) -> Ints:
    """Scale to 0..100 by the largest feasible value, as upstream's DefaultNormalizeScore does in integers."""
    largest = int(raw[feasible].max(initial=0))
    if largest == 0:
        return np.full_like(raw, MAX_SCORE if reverse else 0)
    scaled = raw * MAX_SCORE // largest
    return MAX_SCORE - scaled if reverse else scaled
