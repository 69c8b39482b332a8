"""NodePorts: no two pods of a node may ask for the same host port."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from steersman.kinds.core import host_ports
from steersman.scheduler.framework import Failure, Plugin
from steersman.scheduler.node_table import NodeTable
from steersman.scheduler.pod_info import PodInfo


def _filter(pod: PodInfo, table: NodeTable) -> Sequence[Failure]:
    if not pod.host_ports or not table.host_ports:
        return ()
    out = np.zeros(len(table.valid), bool)
    for row, used in table.host_ports.items():
        out[row] = host_ports.conflict(pod.host_ports, used)
    return (Failure("node(s) didn't have free ports for the requested pod ports", out),)


PLUGIN = Plugin("NodePorts", order=50, filter=_filter)
