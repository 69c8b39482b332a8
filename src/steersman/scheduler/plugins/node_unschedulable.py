"""NodeUnschedulable: keeps pods off cordoned nodes, unless they tolerate the taint that stands for it."""

from __future__ import annotations

from collections.abc import Sequence

from steersman.kinds.core.node_selection import NO_SCHEDULE, untolerated
from steersman.kinds.core.node_taints import UNSCHEDULABLE
from steersman.kinds.types.core_v1 import Taint
from steersman.scheduler.framework import Failure, Plugin
from steersman.scheduler.node_table import NodeTable
from steersman.scheduler.pod_info import PodInfo

_TAINT = Taint(key=UNSCHEDULABLE, effect=NO_SCHEDULE)


def _filter(pod: PodInfo, table: NodeTable) -> Sequence[Failure]:
    if not table.unschedulable.any() or not untolerated((_TAINT,), pod.tolerations, NO_SCHEDULE):
        return ()
    return (Failure("node(s) were unschedulable", table.unschedulable),)


PLUGIN = Plugin("NodeUnschedulable", order=10, filter=_filter)
