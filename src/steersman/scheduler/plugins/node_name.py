"""NodeName: a pod that names a node fits only there."""

from __future__ import annotations

from collections.abc import Sequence

from steersman.scheduler.framework import Failure, Plugin
from steersman.scheduler.node_table import NodeTable
from steersman.scheduler.pod_info import PodInfo


def _filter(pod: PodInfo, table: NodeTable) -> Sequence[Failure]:
    wanted = pod.pod.spec.nodeName
    if not wanted:
        return ()
    others = table.valid.copy()
    row = table.row_of.get(wanted)
    if row is not None:
        others[row] = False
    return (Failure("node(s) didn't match the requested node name", others),)


PLUGIN = Plugin("NodeName", order=20, filter=_filter)
